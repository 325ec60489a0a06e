import Foundation
import Glibc
import Testing

@Suite("A worker with single: true", .serialized, .timeLimit(.minutes(20)))
struct SingleWorkerTests {
    /// Holds a lock file while it runs, and notes in a file of the app's `shared` when it starts, ends, or finds another
    /// one running.
    private static let platform = [
        "pmo-release.yml": """
        services:
          job: { command: exec python3 job.py, single: true, stop: { within: 30s } }
          web: { command: exec python3 -m http.server --bind 127.0.0.1 "$PORT", health: { path: /job.py } }
        sites: { pmo.localhost: { routes: { /: web } } }
        shared: [notes]
        """,
        "notes/keep": "",
        "job.py": """
        import fcntl, os, signal, sys, time
        notes = os.environ["PMO_RELEASE"] + "/../../shared/notes/"
        def note(word):
            with open(notes + "log", "a") as log: log.write(word + " " + os.environ["PMO_COMMIT"] + "\\n")
        lock = open(notes + "lock", "w")
        try: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("two")
            sys.exit(1)
        note("begun")
        def end(*_):
            time.sleep(0.3)
            note("ended")
            os._exit(0)
        signal.signal(signal.SIGTERM, end)
        while True: time.sleep(0.05)
        """,
    ]

    private func notes(_ host: TestHost) -> [String] {
        (host.text("\(host.home)/pmo/shared/notes/log") ?? "").split(separator: "\n").map(String.init)
    }

    /// One runs, from that commit, and never did two.
    private func check(_ host: TestHost, runs commit: String, _ why: String) async throws {
        #expect(try await eventually { notes(host).last == "begun \(commit)" }, "\(why): \(notes(host))")
        #expect(try await host.pids("job").count == 1, "\(why)")
        #expect(!notes(host).contains { $0.hasPrefix("two") }, "\(why): \(notes(host))")
    }

    @Test("never runs twice: over deploys, failed ones, rollbacks, switches and restarts")
    func neverTwice() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(Self.platform)
            try await check(host, runs: first, "first")
            let second = try await host.deploy(["note": "2\n"])
            try await check(host, runs: second, "second")
            #expect(notes(host) == ["begun \(first)", "ended \(first)", "begun \(second)"])

            // Its own check is the last one: where another service fails, it was not even stopped.
            let before = notes(host)
            try host.replace("/job.py }", by: "/absent, within: 1s }", in: "pmo-release.yml")
            try await host.commit("No page")
            #expect(try await host.push().status == 1)
            #expect(notes(host) == before)
            try host.replace("/absent, within: 1s }", by: "/job.py }", in: "pmo-release.yml")
            try host.replace("python3 job.py", by: "python3 absent.py", in: "pmo-release.yml")
            try await host.commit("No job")
            let failed = try await host.push()
            #expect(failed.status == 1 && failed.err.contains("still serves"), "\(failed)")
            try await check(host, runs: second, "after a failed one")
            #expect(notes(host).count == before.count + 2)

            #expect(try await host.pmo("rollback", "pmo").status == 0)
            try await check(host, runs: first, "rollback")
            #expect(try await host.pmo("switch", "pmo", second).status == 0)
            try await check(host, runs: second, "switch")
            #expect(try await host.pmo("restart", "pmo").status == 0)
            try await check(host, runs: second, "restart")
            #expect(try await host.pmo("rollback", "pmo").status == 0)
            try await check(host, runs: first, "rollback after a restart")
        }
    }

    @Test("F29: never runs twice where the live one has just ended, and its supervisor is about to start it again")
    func isAboutToComeBack() async throws {
        try await TestHost.with { host in
            var files = Self.platform
            // Ends by itself at once, when it is told to by a file; runit then waits for a second.
            files["job.py"]?.replace(
                "while True: time.sleep(0.05)",
                with: """
                    while True:
                        time.sleep(0.01)
                        if os.path.exists(notes + "crash"):
                            note("crashed")
                            os._exit(9)
                    """)
            try await host.deploy(files)
            let second = try await host.deploy(["note": "2\n"])
            for _ in 1...3 {
                let target = try await host.list().first { $0.release != host.live() }?.release ?? ""
                try "".write(
                    toFile: "\(host.home)/pmo/shared/notes/crash", atomically: true, encoding: .utf8)
                try #require(try await eventually { try await host.pids("job").isEmpty })
                try FileManager.default.removeItem(atPath: "\(host.home)/pmo/shared/notes/crash")
                let switched = try await host.pmo("switch", "pmo", target)
                #expect(switched.status == 0, "\(switched)")
                // Longer than runit waits.
                try await Task.sleep(for: .seconds(2))
                try await check(host, runs: target, "switch from \(second)")
            }
        }
    }

    @Test(
        "F18: runs on when a restart fails on a full disk", .enabled(if: geteuid() == 0, "mounting a disk takes root"))
    func fullDisk() async throws {
        try await TestHost.with(disk: "size=160m,nr_inodes=4000") { host in
            let first = try await host.deploy(Self.platform)
            try await host.fillDisk()
            let restarted = try await host.pmo("restart", "pmo")
            #expect(restarted.status == 1, "\(restarted)")
            let runs = try await eventually { try await host.pids("job").count == 1 }
            #expect(runs && host.live() == first, "\(restarted)")
        }
    }

    @Test("F39: never runs twice where its supervisor is killed and comes back")
    func supervisorIsKilled() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(Self.platform)
            try await check(host, runs: first, "first")
            let before = try await host.pids("job")
            let supervisor = try #require(
                RunningProcess.all().first { $0.arguments == ["runsv", "pmo.job.1.0"] && $0.mentions(host.home) })
            kill(supervisor.pid, SIGKILL)
            let isNew = try await eventually {
                let now = try await host.pids("job")
                return now.count == 1 && now != before
            }
            #expect(isNew, "\(before)")
            let isWell = try await eventually {
                notes(host) == ["begun \(first)", "ended \(first)", "begun \(first)"]
            }
            #expect(isWell, "\(notes(host))")
        }
    }

    @Test("F08: is stopped again where a switch that has started it is killed before its rename")
    func switchIsKilled() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(Self.platform)
            let second = try await host.deploy(["note": "2\n"])
            for point in ["switch.before-site", "switch.before-exchange"] {
                let killed = try await host.run(
                    "pmo-release", ["rollback", "pmo"], environment: ["PMO_FAIL": "\(point):kill"])
                try #require(killed.status == 137 && host.live() == second, "\(killed)")
                #expect(try await host.pmo("prune", "pmo").status == 0)
                #expect(try await eventually { notes(host).last == "begun \(second)" }, "\(point): \(notes(host))")
                let running = try await host.processes().filter { $0.service == "job" && $0.state == "up" }
                #expect(running.count == 1, "\(point): \(running)")
                #expect(notes(host).filter { $0.hasPrefix("two") } == [], "\(point): \(notes(host))")
            }
            let back = try await host.pmo("rollback", "pmo")
            #expect(back.status == 0, "\(back)")
            try await check(host, runs: first, "rollback")
        }
    }

    @Test("F08: starts again when the deploy that stopped it is killed before its successor is live")
    func isResumed() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(Self.platform)
            // Up for less than the check wants, again and again: there is time to kill the deploy in.
            try host.replace("while True: time.sleep(0.05)", by: "time.sleep(1)", in: "job.py")
            let second = try await host.commit("Never settles")
            let pushing = try host.start("git", ["push", "production", "main"])
            try #require(try await eventually { notes(host).last == "begun \(second)" }, "\(notes(host))")
            for worker in host.workers() { kill(worker.pid, SIGKILL) }
            #expect(try await pushing.ended().status == 1)
            #expect(host.live() == first)
            #expect(
                try await eventually { try await host.pids("job").count == 1 && notes(host).last == "begun \(first)" },
                "\(notes(host))")
            #expect(!notes(host).contains { $0.hasPrefix("two") }, "\(notes(host))")
            #expect(host.names("\(host.home)/pmo/slots/job/1").contains("paused") == false)
        }
    }

    @Test("needs to be one instance that does not listen")
    func isRefused() async throws {
        try await TestHost.with { host in
            for wrong in ["instances: 2", "listen: port", "health: { path: / }"] {
                try host.write([
                    "pmo-release.yml": "services: { job: { command: sleep 9, single: true, \(wrong) } }\n"
                ])
                let checked = try await host.pmo("check", host.work)
                #expect(checked.status == 3 && checked.err.contains("pmo-release.yml:1:"), "\(wrong): \(checked)")
            }
        }
    }
}
