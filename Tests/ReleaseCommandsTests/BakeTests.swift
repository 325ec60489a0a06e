import FailPoints
import Foundation
import Glibc
import Testing

@Suite("A release that is watched once it is live", .serialized, .timeLimit(.minutes(10)))
struct BakeTests {
    /// A service that ends whenever the file `uploads/die-<version>` is there, and answers `/bad` with 500.
    private static let platform = [
        "pmo-release.yml": """
        services: { api: { command: exec python3 server.py, health: { path: /health, within: 60s } } }
        sites: { pmo.localhost: { routes: { /: api } } }
        shared: [uploads]
        bake: 5m
        """,
        "server.py": """
        import http.server, os, threading, time
        version = open("version").read().strip()
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = version.encode()
                self.send_response(500 if self.path == "/bad" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *arguments): pass
        def watch():
            while not os.path.exists("uploads/die-" + version): time.sleep(0.1)
            os._exit(3)
        threading.Thread(target=watch, daemon=True).start()
        http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
        """,
        "version": "1\n", "uploads/keep": "\n",
    ]

    private func deployTwo(_ host: TestHost) async throws -> (String, String) {
        (try await host.deploy(Self.platform), try await host.deploy(["version": "2\n"]))
    }

    private func die(_ host: TestHost, _ version: Int) throws {
        try "".write(toFile: "\(host.home)/pmo/shared/uploads/die-\(version)", atomically: true, encoding: .utf8)
    }

    @Test("F29: and ends again and again is taken back, once, and marked; the release before serves")
    func isTakenBack() async throws {
        try await TestHost.with { host in
            let (first, second) = try await deployTwo(host)
            try die(host, 2)
            #expect(try await eventually { host.live() == first })
            #expect(try await eventually { try await host.ledger("SELECT state FROM deploys").last == "reverted" })
            #expect(try await host.get("/").body == "1")
            let event = try await host.ledger("SELECT who, verb, detail FROM events ORDER BY id").last ?? ""
            #expect(event.hasPrefix("bake|rollback|\(second.prefix(7)) taken back, since api "), "\(event)")
            #expect(try await host.list().first { $0.release == second }?.marks.contains("bad") == true)
            #expect(try await host.pmo("log", "pmo").out.contains("taken back, since api "))
            #expect(try await host.pmo("status", "pmo").status == 0)
            #expect(try await eventually { try await !host.processes().contains { $0.short == second.prefix(7) } })

            let refused = try await host.pmo("switch", "pmo", second)
            #expect(refused.status == 3 && refused.err.contains("was found bad: api "), "\(refused)")
            #expect(refused.err.contains("hint: pmo-release switch pmo \(second.prefix(7)) --force"), "\(refused)")
            try FileManager.default.removeItem(atPath: "\(host.home)/pmo/shared/uploads/die-2")
            let forced = try await host.pmo("switch", "pmo", second, "--force")
            #expect(forced.status == 0, "\(forced)")
            #expect(try await host.get("/").body == "2")
            #expect(try await host.list().first { $0.release == second }?.marks.contains("bad") == false)
            // What was done is not undone in the ledger by the next command that recovers.
            #expect(try await host.pmo("prune", "pmo").status == 0)
            #expect(try await host.ledger("SELECT state FROM deploys").last == "reverted")
            #expect(try await host.pmo("status", "pmo").out.contains("taken back") == false)
        }
    }

    @Test("and answers with errors is taken back, though it is healthy")
    func answersWithErrors() async throws {
        try await TestHost.with { host in
            let (first, second) = try await deployTwo(host)
            #expect(
                try await eventually {
                    _ = try await host.get("/bad")
                    return host.live() == first
                })
            #expect(try await eventually { try await host.ledger("SELECT state FROM deploys").last == "reverted" })
            let reason = host.text("\(host.home)/pmo/releases/\(second)/.pmo/bad") ?? ""
            #expect(reason.contains("requests were answered with a status of 500 or above"), "\(reason)")
        }
    }

    @Test("F29: is taken back though the watch is killed, once a command or the boot goes on with it")
    func isResumed() async throws {
        for point in [FailPoint.bakeBeforeMark, .bakeAfterMark, .bakeAfterSwitch] {
            try await TestHost.with { host in
                let first = try await host.deploy(Self.platform)
                try host.write(["version": "2\n"])
                let second = try await host.commit("Second")
                let pushed = try await host.push(environment: ["PMO_FAIL": "\(point.rawValue):kill"])
                try #require(pushed.status == 0, "\(pushed)")
                try die(host, 2)
                let log = "\(host.home)/pmo/logs/bake.log"
                #expect(try await eventually { host.strikes(in: host.text(log) ?? "") == 1 }, "\(point)")
                #expect(host.live() == (point == .bakeAfterSwitch ? first : second), "\(point)")
                let resumed = try await host.pmo("resume", "--all")
                #expect(resumed.status == 0, "\(resumed)")
                #expect(try await eventually { try await host.ledger("SELECT state FROM deploys").last == "reverted" })
                #expect(host.live() == first && host.text("\(host.home)/pmo/releases/\(second)/.pmo/bad") != nil)
                let taken = try await host.ledger(
                    "SELECT count(*) FROM events WHERE who = 'bake' AND verb = 'rollback'")
                #expect(taken == ["1"], "\(point): \(taken)")
                #expect(try await host.get("/").body == "1")
            }
        }
    }

    @Test("F10, F29: is watched and taken back, too, where its deploy was killed after the switch")
    func isRecovered() async throws {
        for command in [["resume", "pmo"], ["prune", "pmo"]] {
            try await TestHost.with { host in
                let first = try await host.deploy(Self.platform)
                try host.write(["version": "2\n"])
                let second = try await host.commit("Second")
                // The worker dies there, and then the hook that recovers for it.
                let pushed = try await host.push(
                    environment: ["PMO_FAIL": "switch.after-rename:kill,recovery.before-action:kill"])
                try #require(pushed.status != 0 && host.live() == second, "\(pushed)")
                try die(host, 2)
                let resumed = try await host.run("pmo-release", command)
                #expect(resumed.status == 0, "\(resumed)")
                let isBack = try await eventually { host.live() == first }
                let status = try await host.pmo("status", "pmo")
                let log = host.text("\(host.home)/pmo/logs/bake.log") ?? ""
                let history = try await host.pmo("history", "pmo")
                #expect(isBack, "\(command): \(resumed) \(status) \(log) \(history)")
                #expect(try await eventually { try await host.ledger("SELECT state FROM deploys").last == "reverted" })
            }
        }
    }

    @Test("F29: is left alone where somebody stops it and that takes its time")
    func isBeingStopped() async throws {
        try await TestHost.with { host in
            var files = Self.platform
            files["pmo-release.yml"]?.replace("within: 60s } }", with: "within: 60s }, stop: { within: 60s } }")
            // Told to stop, it listens no more and has work to do for longer than it takes to miss three answers.
            files["server.py"]?.replace("http.server.ThreadingHTTPServer((", with: "server = http.server.HTTPServer((")
            files["server.py"]?.replace(
                ".serve_forever()",
                with: """

                    import signal
                    def stop(*_):
                        server.socket.close()
                        time.sleep(12)
                        os._exit(0)
                    signal.signal(signal.SIGTERM, stop)
                    server.serve_forever()
                    """)
            try await host.deploy(files)
            let second = try await host.deploy(["version": "2\n"])
            let stopped = try await host.pmo("stop", "pmo")
            #expect(stopped.status == 0, "\(stopped)")
            let isOver = try await eventually {
                !RunningProcess.all().contains { $0.mentions(host.home) && $0.arguments.dropFirst().first == "bake" }
            }
            #expect(isOver && host.live() == second)
            #expect(host.text("\(host.home)/pmo/releases/\(second)/.pmo/bad") == nil)
            #expect(try await host.pmo("status", "pmo").out.contains("api.0  stopped"))
        }
    }

    @Test(
        "F29: is left alone where somebody stops it, also where that could not be recorded", arguments: ["eio", "kill"])
    func isStopped(_ effect: String) async throws {
        try await TestHost.with { host in
            let (_, second) = try await deployTwo(host)
            let stopped = try await host.run(
                "pmo-release", ["stop", "pmo"], environment: ["PMO_FAIL": "ledger.before-commit:\(effect)"])
            #expect(stopped.status == (effect == "kill" ? 137 : 0), "\(stopped)")
            let isOver = try await eventually {
                !RunningProcess.all().contains { $0.mentions(host.home) && $0.arguments.dropFirst().first == "bake" }
            }
            #expect(isOver && host.live() == second)
            #expect(host.text("\(host.home)/pmo/releases/\(second)/.pmo/bad") == nil)
        }
    }

    @Test("F29: a worker that failing deploys have paused for their own has not ended")
    func isPaused() async throws {
        try await TestHost.with { host in
            var files = Self.platform
            let job = "services:\n  job: { command: exec sleep 600, single: true }"
            files["pmo-release.yml"] = """
                \(job)
                sites: { pmo.localhost: { root: . } }
                bake: 5m
                """
            try await host.deploy(files)
            let second = try await host.deploy(["version": "2\n"])
            try host.replace("exec sleep 600", by: "exit 5", in: "pmo-release.yml")
            for number in 1...2 {
                try host.write(["version": "\(number) of those that fail\n"])
                try await host.commit("Fails")
                let failed = try await host.push()
                #expect(failed.err.contains("job ended 3 times, last with status 5"), "\(failed)")
                // The watch looks each second.
                try await Task.sleep(for: .seconds(3))
            }
            #expect(host.live() == second && host.text("\(host.home)/pmo/releases/\(second)/.pmo/bad") == nil)
            #expect(try await host.ledger("SELECT state FROM deploys") == ["live", "live", "failed", "failed"])
        }
    }

    @Test("F30: the only release is not taken back: it stays live in the ledger, too, and status calls for an operator")
    func isAlone() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(Self.platform)
            try die(host, 1)
            #expect(
                try await eventually { try await host.pmo("status", "pmo").out.contains("needs an operator: ") })
            #expect(try await host.pmo("prune", "pmo").status == 0)
            #expect(try await host.ledger("SELECT state, reason IS NULL FROM deploys") == ["live|1"])
            let status = try await host.pmo("status", "pmo")
            #expect(status.status == 1 && host.live() == first, "\(status)")
            #expect(status.out.contains("switch to one of these: pmo-release list pmo\n"), "\(status)")
            #expect(!status.out.contains("was needs"), "\(status)")
        }
    }

    @Test("F30: where the one before fails too, nothing more is tried, and status calls for an operator")
    func bothFail() async throws {
        try await TestHost.with { host in
            let (first, _) = try await deployTwo(host)
            try die(host, 2)
            #expect(try await eventually { host.live() == first })
            try die(host, 1)
            #expect(
                try await eventually {
                    try await host.pmo("status", "pmo").out.contains("needs an operator: ")
                })
            let status = try await host.pmo("status", "pmo")
            #expect(status.status == 1 && status.out.contains("fails too: api "), "\(status)")
            #expect(host.live() == first, "it does not go back and forth")
            let json = try await host.pmo("status", "pmo", "--json")
            #expect(json.out.contains("fails too: api "), "\(json)")
            try await host.deploy(["version": "3\n"])
            let well = try await host.pmo("status", "pmo")
            #expect(well.status == 0 && !well.out.contains("operator"), "\(well)")
        }
    }

    @Test("F30: where the one before is not well either, the switch is not made")
    func oldIsDown() async throws {
        try await TestHost.with { host in
            try host.write(Self.platform)
            try host.replace("within: 60s", by: "within: 5s", in: "pmo-release.yml")
            try await host.deploy([:])
            let second = try await host.deploy(["version": "2\n"])
            try die(host, 1)
            try die(host, 2)
            #expect(
                try await eventually {
                    try await host.pmo("status", "pmo").out.contains("there is nothing to go back to")
                })
            #expect(host.live() == second)
        }
    }

    @Test("is left alone by what an operator does to it")
    func byHand() async throws {
        try await TestHost.with { host in
            let (_, second) = try await deployTwo(host)
            func bakes() -> Bool {
                RunningProcess.all().contains { $0.mentions(host.home) && $0.arguments.dropFirst().first == "bake" }
            }
            #expect(try await eventually { bakes() })
            let process = try #require(
                RunningProcess.all().first { $0.arguments.dropFirst().first == "bake" && $0.mentions(host.home) })
            let variables = host.text("/proc/\(process.pid)/environ") ?? ""
            #expect(!variables.contains("PMO_FAIL"), "\(variables)")
            // It holds no lock while it watches.
            let begun = ContinuousClock.now
            #expect(try await host.pmo("restart", "pmo").status == 0)
            #expect(ContinuousClock.now - begun < .seconds(60))
            #expect(try await host.pmo("restart", "pmo").status == 0)
            #expect(try await eventually { !bakes() }, "who restarts it watches it")
            #expect(host.live() == second && host.text("\(host.home)/pmo/releases/\(second)/.pmo/bad") == nil)
            #expect(try await host.ledger("SELECT state FROM deploys").last == "live")
        }
    }
}
