import Foundation
import Glibc
import Testing

@Suite("Load: traffic through deploys", .serialized, .timeLimit(.minutes(58)))
struct LoadTrafficTests {
    /// A page that names its commit, and an API that does and can take its time.
    private static func platform() -> [String: String] {
        var files = DrainTests.server()
        files["pmo-release.yml"] = """
            build: [{ run: 'mkdir dist; echo "$PMO_COMMIT" > dist/index.html' }]
            services:
              web: { command: exec node server.js, health: { path: /id }, stop: { within: 60s } }
            sites: { pmo.localhost: { root: dist, routes: { /id: web, /late: web, /socket: web } } }
            """
        return files
    }

    @Test("G5: deploys and rollbacks lose no request, and no version comes back by itself")
    func losesNothing() async throws {
        let count = LoadCount.of("G5", inTest: 20)
        try await TestHost.with { host in
            var schedule = SwitchSchedule()
            let first = try await host.deploy(Self.platform())
            schedule.add(first, begun: 0)
            let page = try LoadClient<LoadReplies>(host, "requests", "/")
            let service = try LoadClient<LoadReplies>(host, "requests", "/id")
            // One that keeps its connections, and one that makes a new one for each request.
            let loads = try ["keep-alive", "close"].map { connection in
                let process = try host.start(
                    "wrk",
                    [
                        "-t1", "-c2", "-d3600s", "-H", "Host: \(host.domain)", "-H", "Connection: \(connection)",
                        "http://127.0.0.1:\(host.port)/id",
                    ], directory: "/")
                return (connection, process)
            }

            for number in 1...count {
                try host.write(["note": "\(number)\n"])
                let commit = try await host.commit("\(number)")
                let begun = SwitchSchedule.now
                let pushed = try await host.push()
                try #require(pushed.status == 0, "\(pushed)")
                schedule.add(commit, begun: begun)
            }
            // Both outlive a switch; what they talk to is warm then.
            let socket = try LoadClient<LoadEchoes>(host, "websocket")
            try #require(try await eventually { socket.said.contains("open") }, "\(socket.said)")
            let late = try host.startRequest("/late")
            for _ in 1...count {
                let begun = SwitchSchedule.now
                try await host.timed("rollback", "pmo")
                schedule.add(try #require(host.live()), begun: begun)
            }
            let answered = try await late.ended()
            #expect(answered.status == 0 && answered.out == "late\n", "\(answered)")
            let echoes = try await socket.end()
            #expect(echoes.error == nil && echoes.echoes > 0, "\(echoes)")

            for (connection, wrk) in loads {
                kill(wrk.pid, SIGINT)
                let summary = try await wrk.ended(within: .seconds(7200)).out
                let total = summary.split(separator: "\n").first { $0.contains("requests in") }
                let isClean = !summary.contains("Non-2xx") && !summary.contains("Socket errors")
                #expect(total != nil && isClean, "\(connection): \(summary)")
                LoadCount.tell("G5", "wrk, connections \(connection):\(total ?? "")")
            }
            for (name, client) in [("page", page), ("service", service)] {
                let seen = try await client.end()
                #expect(seen.errorCount == 0, "\(name): \(seen.errors)")
                #expect(seen.replies > count, "\(name)")
                for runs in seen.runs { #expect(schedule.violations(in: runs) == [], "\(name)") }
                LoadCount.tell("G5", "\(name): \(seen.replies) replies, each checked, \(seen.errorCount) wrong")
            }
            LoadCount.tell("G5", "\(count) deploys, \(count) rollbacks, \(echoes.echoes) echoes")
        }
    }

    @Test("the same clients see what others lose: a restart in place, and a reload of nginx for each deploy")
    func othersLose() async throws {
        try await TestHost.with { host in
            try await host.deploy(Self.platform())
            let restarted = try LoadClient<LoadReplies>(host, "requests", "/id")
            for _ in 0..<3 {
                try await host.timed("stop", "pmo")
                try await host.timed("start", "pmo")
            }
            let inPlace = try await restarted.end()
            #expect(inPlace.errorCount > 0, "a restart in place must be seen to fail")

            let reloaded = try LoadClient<LoadReplies>(host, "requests", "/")
            let pid = try #require(host.text("\(host.home)/.pmo/nginx/nginx.pid").flatMap { pid_t($0.dropLast()) })
            var reloads = 0
            while reloads < 400, !reloaded.hasFailed {
                kill(pid, SIGHUP)
                reloads += 1
                try await Task.sleep(for: .milliseconds(50))
            }
            let byReload = try await reloaded.end()
            LoadCount.tell(
                "G5",
                "3 restarts in place: \(inPlace.errorCount) lost beside \(inPlace.replies) answered; "
                    + "\(reloads) reloads of nginx: \(byReload.errorCount) lost beside \(byReload.replies) answered")
            #expect(byReload.errorCount > 0, "a reload must be seen to fail")
        }
    }

    @Test("a schedule that does not hold is seen: stale, too early, and back by itself")
    func scheduleIsChecked() {
        let times = [("a", 0.0), ("b", 10.0), ("c", 20.0)]
        let schedule = SwitchSchedule(entries: times.map { .init(version: $0.0, begun: $0.1, done: $0.1 + 1) })
        func run(_ version: String, _ came: Double, _ asked: Double) -> LoadReplies.Run {
            .init(version: version, came: came, asked: asked)
        }
        #expect(schedule.violations(in: [run("a", 1, 10.5), run("b", 10.2, 20.9), run("c", 20.5, 90)]) == [])
        #expect(schedule.violations(in: [run("a", 1, 11.5)]).count == 1, "stale")
        #expect(schedule.violations(in: [run("b", 9, 9.5)]).count == 1, "before its time")
        #expect(schedule.violations(in: [run("b", 10.2, 10.3), run("a", 10.4, 10.5)]).count == 1, "back by itself")
    }
}
