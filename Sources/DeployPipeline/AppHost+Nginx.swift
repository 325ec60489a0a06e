import HostControl
import ReleaseModel
import ReleaseStore

extension AppHost {
    /// Changes the host's nginx while no other app does: a change counts only once its own configuration answers, and
    /// another one meanwhile would take its place.
    func changingNginx(_ change: (Nginx) async throws -> Void) async throws {
        let lock = try layout.host.acquireLock(wait: .seconds(300))
        defer { lock.release() }
        try await change(nginx)
    }
}
