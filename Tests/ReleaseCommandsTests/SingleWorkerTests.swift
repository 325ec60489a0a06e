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
