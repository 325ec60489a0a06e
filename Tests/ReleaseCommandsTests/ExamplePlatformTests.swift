import Foundation
import Testing

@Suite("The example platform", .serialized, .timeLimit(.minutes(20)))
struct ExamplePlatformTests {
    @Test("is refused before anything is written while keys have no value, and live once they have")
    func needsItsEnvironment() async throws {
        try await TestHost.with { host in
            let commit = try await host.takeExample()
            let before = try await host.snapshot()
            let refused = try await host.push()
            #expect(refused.status == 1, "\(refused)")
            #expect(
                refused.remote.contains {
                    $0.hasPrefix("pmo-release: error:") && $0.contains("DATABASE_URL, JWT_SECRET")
                })
            #expect(refused.remote.contains("hint: pmo-release env set pmo DATABASE_URL --stdin"), "\(refused)")
            #expect(try await host.snapshot() == before)
            #expect(try await host.branch() == nil)

            try await host.setExampleEnvironment()
            let pushed = try await host.push()
            #expect(pushed.status == 0, "\(pushed)")
            let health = try await host.get("/api/health")
            #expect(health.status == 200 && health.body.contains(#""status":"ok""#), "\(health)")

            let release = "\(host.home)/pmo/releases/\(commit)"
            #expect(host.mode("\(release)/apps/api/.env") == 0o600)
            let values = host.text("\(release)/apps/api/.env") ?? ""
            #expect(values.contains("JWT_SECRET=") && values.contains("s3cret"), "\(values)")
            #expect(try await host.get("/any/page/of/it").body == host.get("/").body)
            let assets = host.names("\(release)/apps/web/dist/assets")
            let asset = try #require(assets.first { $0.hasSuffix(".css") }, "\(assets)")
            #expect(
                try await host.get("/assets/\(asset)").headers["cache-control"] == "public, max-age=31536000, immutable"
            )
            #expect(try await host.get("/").headers["cache-control"] == "no-cache")
            #expect(try await host.get("/assets/gone.css").status == 404)
            // A40: a secret is nowhere but in its files.
            let leaked = try await host.run(
                "grep",
                ["-rlaF", "s3cret", "\(host.home)/pmo/logs", "\(host.home)/pmo/ledger.sqlite", "\(host.home)/.pmo"])
            #expect(leaked.out == "", "\(leaked)")
            #expect(!RunningProcess.all().contains { $0.arguments.contains { $0.contains("s3cret") } })
        }
    }

    @Test("F27: a failing health check fails the push, changes nothing, and the same commit may come again")
    func failsWithItsHealthCheck() async throws {
        try await TestHost.with { host in
            try await host.takeExample()
            try await host.setExampleEnvironment()
            let first = try await host.push()
            try #require(first.status == 0, "\(first)")
            let served = try #require(host.live())

            // Whether it is healthy depends on a value, so that the same commit fails first and works later.
            try host.replace(
                #""GET /api/health": () => ({ status: "ok", version })"#,
                by:
                    #""GET /api/health": () => ({ status: config.GREETING === "well" ? "ok" : "broken", version: "2" })"#,
                in: "apps/api/server.js")
            try host.replace("within: 15s", by: "within: 3s", in: "pmo-release.yml")
            let broken = try await host.commit("Depend on the greeting")
            let before = try await host.snapshot()
            let pushing = try host.start("git", ["push", "production", "main"])
            var answers: [Int] = []
            while !pushing.hasEnded { answers.append(try await host.get("/api/health").status) }
            let refused = try await pushing.ended()
            #expect(refused.status == 1, "\(refused)")
            #expect(
                refused.err.contains("! [remote rejected] main -> main (health check failed: GET /api/health"),
                "\(refused)")
            #expect(refused.err.contains("\(served.prefix(7)) still serves)"))
            #expect(answers.count > 3 && answers.allSatisfy { $0 == 200 }, "\(answers)")
            #expect(host.live() == served)
            #expect(host.releases() == before.releases)
            #expect(try await host.branch() == served)
            #expect(
                try await host.ledger("SELECT state, reason IS NULL, phase = 'check' FROM deploys ORDER BY number")
                    == ["live|1|0", "failed|0|1"])

            #expect(try await host.pmo("env", "set", "pmo", "GREETING=well").status == 0)
            let again = try await host.push()
            #expect(again.status == 0, "\(again)")
            #expect(try await host.get("/api/health").body.contains(#""version":"2""#))
            #expect(try await host.branch() == broken)
        }
    }

    @Test("F28: a service that exits at once fails the push with its last lines")
    func failsWithAnInstanceThatExits() async throws {
        try await TestHost.with { host in
            try await host.takeExample()
            try await host.setExampleEnvironment()
            try host.write(["apps/api/server.js": "console.log('cannot find the moon'); process.exit(3)\n"])
            try await host.commit("Exit at once")
            let refused = try await host.push()
            #expect(refused.status == 1, "\(refused)")
            #expect(refused.err.contains("(health check failed: api ended 3 times, last with status 3"), "\(refused)")
            #expect(refused.remote.contains { $0.contains("cannot find the moon") }, "\(refused)")
            #expect(refused.err.contains("remote rejected"))
            #expect(host.live() == nil && host.releases() == [])
            #expect(try await host.branch() == nil)
            // The slots have the log of whoever was in them.
            try host.replace("find the moon", by: "find the sun", in: "apps/api/server.js")
            for number in 2...4 {
                try host.write(["note": "\(number)\n"])
                try await host.commit("Exit at once again")
                let again = try await host.push().remote
                #expect(
                    again.contains { $0.contains("the sun") } && !again.contains { $0.contains("the moon") }, "\(again)"
                )
            }
        }
    }
}

extension TestHost {
    /// Commits `examples/pmo` as it stands.
    @discardableResult
    func takeExample() async throws -> String {
        try await run("cp", ["-R", Programs.package + "/examples/pmo/.", work])
        return try await commit("The small platform")
    }

    func setExampleEnvironment() async throws {
        let ended = try await pmo("env", "set", "pmo", "DATABASE_URL=postgres://127.0.0.1/pmo", "JWT_SECRET=s3cret")
        try #require(ended.status == 0, "\(ended)")
    }
}
