import FailPoints
import Foundation
import Glibc
import Testing

/// G1: SIGKILL wherever something changes. After each, the next command brings all to an end, and a checker that shares
/// no code with the product finds nothing wrong.
@Suite("G1: Killed", .timeLimit(.minutes(20)))
struct FaultKillTests {
    /// Those that the deploy of a page passes; a service, a build and a migration have the others.
    private static let ofPages: [FailPoint] = FailPoint.allCases.filter { point in
        !["build", "migrate", "start", "check", "bake", "retire", "recovery", "create", "destroy", "root"].contains {
            point.rawValue.hasPrefix($0 + ".")
        }
            && ![.switchBeforeExchange, .pruneAfterHide, .pruneAfterRemove].contains(point)
    }

    @Test("F01–F13: at every fail point of a push of a page", .timeLimit(.minutes(15)))
    func push() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "first\n", "pmo-release.yml": TestHost.site])
            for _ in 0..<3 { try await host.deploy(["index.html": "\(UUID())\n"]) }
            var slowest = 0.0
            var count = 0
            /// - Returns: whether the plan has struck.
            func kill(_ plan: String) async throws -> Bool {
                let push = try await host.push(failing: plan)
                slowest = max(slowest, try await host.resume())
                try await host.expectWell(after: push, "\(plan): \(push.ended)")
                count += 1
                return push.struckInHooks + push.struckInWorker > 0
            }
            for point in Self.ofPages { #expect(try await kill("\(point.rawValue):kill"), "nothing passes \(point)") }
            // What is passed several times, as often as it is; the ledger's first commits are the hook's.
            for point in [FailPoint.ledgerBeforeCommit, .phaseBeforeIntent, .phaseAfterIntent] {
                let step = point == .ledgerBeforeCommit && !FaultCount.isSoak ? 3 : 1
                var passage = 2
                while passage < 40, try await kill("\(point.rawValue):kill#\(passage)") { passage += step }
                #expect(passage > 2, "nothing passes \(point) twice")
            }
            try await host.deploy(["index.html": "last\n"])
            #expect(try await host.get("/").body == "last\n")
            #expect(try await host.violations() == [])
            print("G1: killed at \(count) places of a push; slowest recovery \(slowest) s")
        }
    }

    @Test("F04–F09: at every fail point of a push with a build, a migration and a service")
    func pushOfService() async throws {
        try await TestHost.with(warm: "1s") { host in
            let files = [
                "index.html": "first\n",
                "server.py": """
                import http.server, os
                class Handler(http.server.SimpleHTTPRequestHandler):
                    def log_message(self, *rest): pass
                http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
                """,
                "pmo-release.yml": """
                keep: 1
                bake: 0s
                build: [{ run: "true" }]
                database: { migrate: "true" }
                services: { web: { command: python3 server.py, health: { path: /index.html, within: 30s } } }
                sites: { pmo.localhost: { routes: { /: web } } }
                """,
            ]
            try await host.deploy(files)
            try await host.deploy(["index.html": "second\n"])
            let points = FailPoint.allCases.filter { point in
                ["build", "migrate", "start", "check", "retire"].contains { point.rawValue.hasPrefix($0 + ".") }
                    || [.switchAfterSite, .switchBeforeRename, .switchAfterRename, .switchAfterSettle].contains(point)
            }
            for point in points {
                // One that retires already would do so without the plan; so would one that the end of a watch starts.
                let quiet = try await eventually(within: .seconds(60)) {
                    !RunningProcess.all().contains { $0.mentions(host.home) && $0.arguments.contains("retire") }
                }
                #expect(quiet)
                let retired = host.strikes(in: host.text(retireLog(host)) ?? "")
                let push = try await host.push(failing: "\(point.rawValue):kill")
                // What retires is a process of its own, some time after the push.
                let struck = try await eventually {
                    push.struckInHooks + push.struckInWorker > 0
                        || host.strikes(in: host.text(retireLog(host)) ?? "") > retired
                }
                #expect(struck, "nothing passes \(point.rawValue): \(push.ended)")
                try await host.resume()
                try await host.expectWell(after: push, "\(point.rawValue): \(push.ended)")
                let processes = try await host.processes()
                #expect(
                    processes.filter { $0.role == "current" && $0.state == "up" }.count == 1, "\(point): \(processes)")
                #expect(!processes.contains { $0.role == "left over" }, "\(point): \(processes)")
            }
            print("G1: killed at \(points.count) places of a push with a service")
        }
    }

    private func retireLog(_ host: TestHost) -> String { "\(host.home)/\(host.app)/logs/retire.log" }

    @Test("F09–F11, F40: at every fail point of a rollback, a switch, a prune and of recovery itself")
    func commands() async throws {
        try await TestHost.with { host in
            let many = TestHost.site.replacingOccurrences(of: "keep: 1", with: "keep: 9")
            try await host.deploy(["index.html": "first\n", "pmo-release.yml": many])
            let other = many.replacingOccurrences(of: "root: . }", with: "root: ., spa: true }")
            for site in [other, many, other, many] {
                try await host.deploy(["index.html": "\(UUID())\n", "pmo-release.yml": site])
            }
            var count = 0
            func kill(_ plan: String, _ command: String...) async throws {
                let ended = try await host.run("pmo-release", command, environment: ["PMO_FAIL": plan])
                #expect(ended.status == 128 + SIGKILL, "nothing passes \(plan): \(ended)")
                try await host.resume()
                try await host.expectWell("\(command) \(plan): \(ended)")
                count += 1
            }
            let switches: [FailPoint] = [
                .switchBeforeSite, .switchAfterSite, .switchBeforeLinks, .switchAfterRename, .switchAfterDirectorySync,
                .switchAfterSettle, .ledgerBeforeCommit, .ledgerAfterCommit,
            ]
            for point in switches + [.switchBeforeExchange] {
                try await kill("\(point.rawValue):kill", "rollback", host.app)
            }
            for point in switches + [.switchBeforePrevious, .switchBeforeRename] {
                let links = ["current", "previous"].map {
                    try? FileManager.default.destinationOfSymbolicLink(atPath: "\(host.home)/\(host.app)/\($0)")
                }
                let other = try #require(
                    host.releases().first { name in !links.contains { $0?.hasSuffix(name) == true } })
                try await kill("\(point.rawValue):kill", "switch", host.app, other)
            }
            for point in [FailPoint.pruneBeforeHide, .pruneAfterHide, .pruneAfterRemove] {
                try await kill("\(point.rawValue):kill", "prune", host.app, "--keep", "1")
            }
            // Recovery is killed at each of its own points, by the hook that notices first and by the command after it.
            for place in ["export.after-tree", "complete.after-rename", "switch.before-rename", "switch.after-rename"] {
                for number in FaultCount.isSoak ? 1...3 : 1...1 {
                    for point in [FailPoint.recoveryBeforeAction, .recoveryAfterAction, .recoveryAfterSweep] {
                        let plan = "\(place):kill,\(point.rawValue):kill#\(point == .recoveryAfterSweep ? 1 : number)"
                        let push = try await host.push(failing: plan)
                        #expect(push.struckInWorker == 1, "\(plan): \(push.ended)")
                        _ = try await host.run(
                            "pmo-release", ["resume", host.app],
                            environment: [
                                "PMO_FAIL": "recovery.before-action:kill#\(number),ledger.before-commit:kill#2"
                            ])
                        try await host.resume()
                        try await host.expectWell(after: push, "\(plan): \(push.ended)")
                        count += 1
                    }
                }
            }
            print("G1: killed at \(count) places of rollback, switch, prune and recovery")
        }
    }

    @Test(
        "F10: killed before the branch moves, and again in recovery: the branch, the history and the next push know it")
    func branchAndHistory() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "first\n", "pmo-release.yml": TestHost.site])
            try host.write(["index.html": "second\n"])
            let commit = try await host.commit("Second")
            // The worker dies there, and then the hook that recovers for it.
            let push = try await host.push(environment: ["PMO_FAIL": "branch.before-move:kill"])
            #expect(push.status != 0 && host.live() == commit, "\(push)")
            try await host.resume()
            #expect(try await host.branch() == commit)
            let told = "SELECT count(*) FROM events WHERE deploy = 2 AND verb = 'push'"
            #expect(try await host.ledger(told) == ["1"])
            let again = try await host.push()
            #expect(again.status == 0 && host.releases().count == 2, "\(again)")
            // Interrupted in its switch, and pushed again: recovery makes it live, and that is all.
            try host.write(["index.html": "third\n"])
            let third = try await host.commit("Third")
            let cut = try await host.push(environment: [
                "PMO_FAIL": "switch.before-rename:kill,recovery.before-action:kill"
            ])
            #expect(cut.status != 0 && host.live() == commit, "\(cut)")
            #expect(try await host.pmo("status", host.app).out.contains("was interrupted: pmo-release resume pmo"))
            let repeated = try await host.push()
            #expect(repeated.status == 0, "\(repeated)")
            #expect(host.live() == third && !host.releases().contains { $0.hasSuffix(".2") }, "\(host.releases())")
            #expect(try await host.violations() == [])
        }
    }

    @Test("At random times, the deploy alone or the whole push")
    func random() async throws {
        var dice = SeededNumbers()
        let count = FaultCount.of("PMO_FAULT_KILLS", 50)
        var ends: [String: Int] = [:]
        try await TestHost.with { host in
            try await host.deploy(["index.html": "first\n", "pmo-release.yml": TestHost.site])
            let usual = try await host.push(failing: "recovery.after-sweep:stop#99").ended.seconds
            for number in 1...count {
                try host.write(["index.html": "page \(number) \(UUID())\n"])
                let commit = try await host.commit("Page \(number)")
                let pushing = try host.start("git", ["push", "production", "main"])
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...Int(usual * 1100), using: &dice)))
                let whole = Bool.random(using: &dice)
                if whole { kill(-pushing.pid, SIGKILL) }
                for process in host.workers() { kill(process.pid, SIGKILL) }
                if whole {
                    for process in host.receivers() { kill(process.pid, SIGKILL) }
                }
                let ended = try await pushing.ended()
                // Who is killed in the middle of an fsync lives on until its end, with its locks.
                try #require(try await eventually { host.workers().isEmpty && host.receivers().isEmpty })
                try await host.resume()
                let push = FaultyPush(commit: commit, ended: ended, struckInHooks: whole ? 1 : 0, struckInWorker: 0)
                try await host.expectWell(after: push, "seed \(dice.seed), kill \(number): \(ended)")
                let state = host.live() == commit ? "forward" : "back"
                ends[state, default: 0] += 1
            }
        }
        print("G1: seed \(dice.seed): killed at \(count) random times, \(ends.sorted { $0.key < $1.key })")
    }
}

extension TestHost {
    /// The processes that receive a push.
    fileprivate func receivers() -> [RunningProcess] { RunningProcess.all().filter { $0.mentions(receiver) } }
}
