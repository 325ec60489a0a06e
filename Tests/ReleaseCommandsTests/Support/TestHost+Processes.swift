import Foundation
import Testing

/// A row of `ps --json`.
struct ShownInstance: Decodable, Hashable {
    let service: String
    let short: String
    let role: String
    let slot: Int
    let state: String
    let pid: Int?
}

extension TestHost {
    /// The processes of the app as `ps` tells them.
    func processes() async throws -> [ShownInstance] {
        let ended = try await pmo("ps", app, "--json")
        try #require(ended.status == 0, "\(ended)")
        return try JSONDecoder().decode([ShownInstance].self, from: Data(ended.out.utf8))
    }

    /// The live processes of a service; each of them must really be there.
    func pids(_ service: String) async throws -> [Int] {
        let live = try await processes().filter { $0.service == service && $0.role == "current" && $0.state == "up" }
        let running = Set(RunningProcess.all().map { Int($0.pid) })
        return live.compactMap(\.pid).filter(running.contains).sorted()
    }
}
