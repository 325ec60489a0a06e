import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// `destroy`: ends everything of an app and removes it. The caller holds the app's lock.
public struct AppRemoval: Sendable {
    let host: AppHost

    /// Removal of an app.
    public init(_ host: AppHost) { self.host = host }

    /// Stops every instance, takes the site out of nginx and its certificates out of certbot, and removes the app's
    /// directory with its releases, its shared files, its backups and its receiver.
    ///
    /// - Throws: `StoreError.system` with `EBUSY` where something is mounted below it; nothing is touched then.
    public func run() async throws {
        let root = host.layout.root.resolved
        if let mount = Mount.all(of: "self").first(where: { $0.point != root && $0.point.starts(with: root) }) {
            throw StoreError.system(action: "remove", path: mount.point, code: EBUSY)
        }
        try await stopAll(forgetting: true)
        try await host.changingNginx { try await $0.remove(app: host.layout.name) }
        try await host.nginx.forgetCertificates(of: host.layout.name)
        try host.layout.disappear()
        try? host.layout.host.sweepApps()
    }

    /// Stops every instance in every slot.
    ///
    /// - Parameter forgetting: whether the supervisor forgets them too.
    public func stopAll(forgetting: Bool = false) async throws {
        let services = ServiceSlots(host)
        for (service, slot, release) in host.slots.occupied() {
            let placement = try services.occupant(of: service, slot, release: release)
            for instance in placement.instances {
                _ = try? await host.supervisor.stop(instance, rule: placement.service.stop)
            }
        }
        guard forgetting else { return }
        for instance in try host.slots.knownInstances() {
            try await host.supervisor.remove(
                SupervisedInstance(
                    unit: instance.unit, directory: instance.directory, logDirectory: instance.directory,
                    description: instance.unit))
        }
    }
}
