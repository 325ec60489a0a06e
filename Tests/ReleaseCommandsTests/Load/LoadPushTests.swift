import Foundation
import Glibc
import Testing

@Suite("Load: pushes", .serialized, .timeLimit(.minutes(58)))
struct LoadPushTests {
    /// Tells a megabyte, in lines.
    private static let talkative = """
        build: [{ run: 'head -c 1000000 /dev/zero | tr "\\0" x | fold -w 99' }]
        sites: { pmo.localhost: { root: . } }
        """

    @Test("G8, F37: pushers who are killed at any time, with a megabyte to tell them, leave nothing behind")
    func survivesDisconnects() async throws {
        let count = LoadCount.of("G8", inTest: 20)
        var numbers = SeededNumbers()
        let seed = numbers.seed
        try await TestHost.with { host in
            try await host.deploy(["index.html": "0\n", "pmo-release.yml": Self.talkative])
            let server = try await host.serveSSH()
            var begun = 0
            for number in 1...count {
                try host.write(["index.html": "\(number)\n"])
                try await host.commit("\(number)")
                let pushing = try host.start("git", ["push", "production", "+main"], environment: server.environment)
                // From before the connection stands to after the deploy has begun.
                let wait = Int.random(in: 0...2000, using: &numbers)
                let isWaitingForOutput = number % 2 == 0
                if isWaitingForOutput {
                    _ = try await eventually(within: .seconds(60)) {
                        pushing.said.contains("Build") || pushing.hasEnded
                    }
                }
                try await Task.sleep(for: .milliseconds(isWaitingForOutput ? wait / 10 : wait))
                kill(-pushing.pid, SIGKILL)
                _ = try await pushing.ended()
                begun = try await host.ledger("SELECT number FROM deploys").count - 1
            }
            let open = "SELECT number, state, phase FROM deploys WHERE state IN ('queued', 'running')"
            #expect(try await eventually { try await host.ledger(open).isEmpty }, "every deploy ends")
            #expect(
                try await eventually { host.pushers().isEmpty && host.workers().isEmpty },
                "\((host.pushers() + host.workers()).map(\.arguments))")
            #expect(try await host.pmo("prune", "pmo").status == 0, "the lock is free")
            #expect(!host.releases().contains { $0.hasPrefix(".") }, "\(host.releases())")
            let incoming = try await host.run(
                "find", [host.receiver + "/objects", "-name", "tmp_objdir*"], directory: "/")
            #expect(incoming.out.isEmpty, "no quarantine is left: \(incoming)")
            let states = try await host.ledger("SELECT state, count(*) FROM deploys GROUP BY state")
            LoadCount.tell("G8", "seed \(seed): \(count) disconnects, \(begun) deploys begun: \(states)")
            #expect(begun > 0 && states.allSatisfy { !$0.hasPrefix("failed") }, "\(states)")

            try host.write(["index.html": "told to the end\n"])
            try await host.commit("With its pusher")
            let last = try await host.push("+main", environment: server.environment)
            #expect(last.status == 0, "\(last)")
            #expect(try await host.get("/").body == "told to the end\n")
        }
    }

    @Test("G9, F36: pushes at once get one verdict each, and the last that was accepted is live")
    func oneVerdictEach() async throws {
        let count = LoadCount.of("G9", inTest: 10)
        try await TestHost.with { host in
            try await host.deploy(["index.html": "0\n"])
            var commits: [String] = []
            for number in 1...count {
                try host.write(["index.html": "\(number)\n"])
                commits.append(try await host.commit("\(number)"))
            }
            let pushes = try commits.map { try host.start("git", ["push", "production", "+\($0):refs/heads/main"]) }
            var verdicts: [String: Ended] = [:]
            for (commit, push) in zip(commits, pushes) {
                verdicts[commit] = try await push.ended(within: .seconds(600))
            }
            let rows = try await host.ledger("SELECT commit_id, state FROM deploys WHERE number > 1 ORDER BY number")
                .map { $0.split(separator: "|").map(String.init) }
            #expect(Set(rows.map { $0[0] }).count == rows.count, "one deploy for each: \(rows)")
            for (commit, verdict) in verdicts {
                let state = rows.first { $0[0] == commit }?[1]
                #expect((verdict.status == 0) == (state == "live"), "\(state ?? "not begun"): \(verdict)")
                if state == "superseded" { #expect(verdict.err.contains("superseded by "), "\(verdict)") }
                #expect(state == nil || ["live", "superseded"].contains(state), "\(verdict)")
            }
            let last = try #require(rows.last)
            #expect(last[1] == "live" && host.live() == last[0], "\(rows)")
            #expect(try await host.branch() == last[0])
            LoadCount.tell(
                "G9",
                "\(count) pushes at once: \(rows.count { $0[1] == "live" }) live, "
                    + "\(rows.count { $0[1] == "superseded" }) superseded, \(count - rows.count) refused")
        }
    }

    @Test("G9: apps deploy side by side")
    func sideBySide() async throws {
        let count = LoadCount.of("G9_APPS", inTest: 3)
        try await TestHost.with { host in
            let apps = (1...count).map { "app\($0)" }
            for app in apps { #expect(try await host.pmo("create", app).status == 0) }
            for app in apps {
                try host.write([
                    "index.html": "\(app)\n",
                    "pmo-release.yml": GatedBuild.manifest(saying: "begun").replacingOccurrences(
                        of: "pmo.localhost", with: "default"),
                ])
                try await host.commit(app)
                try await host.git("branch", app)
            }
            let pushes = try apps.map {
                try host.start("git", ["push", "\(host.home)/\($0)/repo.git", "\($0):refs/heads/main"])
            }
            #expect(try await eventually { pushes.allSatisfy { $0.said.contains("begun") } }, "all are in their build")
            for app in apps {
                try Data().write(to: URL(fileURLWithPath: "\(host.home)/\(app)/cache/home/open"))
            }
            for (app, push) in zip(apps, pushes) {
                let ended = try await push.ended()
                #expect(ended.status == 0, "\(app): \(ended)")
                #expect(try await host.get("/", domain: "\(app).localhost").body == "\(app)\n")
            }
            LoadCount.tell("G9", "\(count) apps at once: each live")
        }
    }
}
