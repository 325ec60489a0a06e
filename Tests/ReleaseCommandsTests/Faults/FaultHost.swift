import FailPoints
import Foundation
import Glibc
import Testing

/// How many faults a suite injects; `make soak` asks for more.
enum FaultCount {
    static func of(_ variable: String, _ usual: Int) -> Int {
        ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } ?? usual
    }

    /// Whether the whole matrix is asked for.
    static var isSoak: Bool { ProcessInfo.processInfo.environment["PMO_SOAK"] != nil }
}

/// What a push with a fault in it has come to.
struct FaultyPush {
    let commit: String
    let ended: Ended
    /// How often a point has struck in the hooks, and how often in the deploy's own process.
    let struckInHooks: Int
    let struckInWorker: Int
}

extension TestHost {
    static let site = "keep: 1\nsites: { pmo.localhost: { root: . } }\n"

    /// Commits a page of its own and pushes it with a plan of faults; returns once no process of it is left.
    func push(failing plan: String, _ files: [String: String] = [:]) async throws -> FaultyPush {
        try write(["index.html": "page \(UUID().uuidString)\n"].merging(files) { $1 })
        // Another site each time, so that nginx's is a part of what is cut short.
        let sites = ["root: . }", "root: ., spa: true }"]
        if let old = sites.first(where: { text("\(work)/pmo-release.yml")?.contains($0) == true }) {
            try replace(old, by: sites[old == sites[0] ? 1 : 0], in: "pmo-release.yml")
        }
        let commit = try await commit(plan)
        let before = strikes(in: text(workerLog) ?? "")
        let ended = try await push(environment: ["PMO_FAIL": plan])
        try #require(try await eventually { workers().isEmpty }, "the deploy's process has not ended: \(plan)")
        return FaultyPush(
            commit: commit, ended: ended, struckInHooks: strikes(in: ended.err),
            struckInWorker: strikes(in: text(workerLog) ?? "") - before)
    }

    var workerLog: String { "\(home)/\(app)/logs/worker.log" }

    func strikes(in text: String) -> Int { text.components(separatedBy: " strikes in process ").count - 1 }

    /// Brings what was cut short to an end, as the next boot would.
    ///
    /// - Returns: how long it took, in seconds.
    @discardableResult
    func resume() async throws -> Double {
        let resumed = try await pmo("resume", app)
        try #require(resumed.status == 0, "\(resumed)")
        return resumed.seconds
    }

    /// Looks at the home by `tools/check-invariants`, which shares no code with the product.
    ///
    /// - Parameter push: the last push, which must have told the truth; nil where nobody was there to be told.
    /// - Returns: what does not hold, a line each.
    func violations(after push: FaultyPush? = nil, serving: Bool = true, _ more: String...) async throws -> [String] {
        // A deploy that was told to be live still tidies up.
        try #require(try await eventually { workers().isEmpty })
        var arguments = ["--home", home, "--app", app, "--host", domain]
        if serving { arguments += ["--serving", "--url", "http://127.0.0.1:\(port)"] }
        if let push, push.struckInHooks == 0 {
            arguments += ["--pushed", push.commit, "--exit", "\(push.ended.status)"]
        }
        let checked = try await run(
            Programs.package + "/tools/check-invariants", arguments + more, directory: "/")
        let lines = checked.out.split(separator: "\n").map(String.init)
        try #require(checked.status == (lines.isEmpty ? 0 : 1) && checked.err.isEmpty, "\(checked)")
        return lines
    }

    /// Nothing of what must hold is violated.
    func expectWell(after push: FaultyPush? = nil, _ fault: String) async throws {
        let found = try await violations(after: push)
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))\nafter \(fault)")
    }
}
