import Foundation
import Glibc
import Testing

@Suite("A push that is interrupted", .serialized, .timeLimit(.minutes(20)))
struct InterruptedPushTests {
    private let slow = "build: [{ run: sleep 4 }]\nsites: { pmo.localhost: { root: . } }\n"

    @Test("F01, F02: its deploy goes on without the pusher, and the same push again attaches to it")
    func goesOn() async throws {
        try await TestHost.with { host in
            try host.write(["index.html": "slow\n", "pmo-release.yml": slow])
            let commit = try await host.commit("Slow")
            let pushing = try host.start("git", ["push", "production", "main"])
            try #require(try await eventually { pushing.said.contains("sleep 4") }, "\(pushing.said)")
            for process in RunningProcess.all() where process.mentions(host.receiver) {
                let line = process.arguments.joined(separator: " ")
                if line.contains("receive-pack") || line.contains("proc-receive") { kill(process.pid, SIGKILL) }
            }
            let cut = try await pushing.ended()
            #expect(cut.status != 0, "\(cut)")

            let again = try await host.push()
            #expect(again.remote.contains("attached to deploy 1, which runs already"), "\(again)")
            #expect(again.remote.contains { $0.hasPrefix("-----> pmo: deploying \(commit.prefix(7))") }, "\(again)")
            #expect(again.remote.contains { $0.hasPrefix("=====> Live") }, "\(again)")
            #expect(again.status == 0, "\(again)")
            let deploys = try await host.ledger("SELECT number, state FROM deploys")
            #expect(deploys == ["1|live"])
            #expect(try await host.branch() == commit)
            #expect(try await host.get("/").body == "slow\n")
        }
    }

    @Test("F02: with nobody left to tell, the deploy ends live and the branch has moved")
    func movesTheBranch() async throws {
        try await TestHost.with { host in
            try host.write(["index.html": "slow\n", "pmo-release.yml": slow])
            let commit = try await host.commit("Slow")
            let pushing = try host.start("git", ["push", "production", "main"])
            try #require(try await eventually { pushing.said.contains("sleep 4") }, "\(pushing.said)")
            for process in RunningProcess.all() where process.mentions(host.receiver) { kill(process.pid, SIGKILL) }
            kill(-pushing.pid, SIGKILL)
            _ = try await pushing.ended()
            #expect(try await eventually { try await host.ledger("SELECT state FROM deploys") == ["live"] })
            #expect(try await host.branch() == commit)
            #expect(try await host.get("/").body == "slow\n")
            let again = try await host.push()
            #expect(again.status == 0, "\(again)")
        }
    }

    @Test("F36: a newer push that died while it waited supersedes nobody")
    func diesInTheQueue() async throws {
        try await TestHost.with { host in
            try host.write(["index.html": "slow\n", "pmo-release.yml": slow.replacingOccurrences(of: "4", with: "9")])
            try await host.commit("Slow")
            let pushing = try host.start("git", ["push", "production", "main"])
            try #require(try await eventually { pushing.said.contains("sleep 9") }, "\(pushing.said)")
            try host.write(["index.html": "dead\n"])
            try await host.commit("Dead")
            // Its worker dies before it waits, and its hook with it, so that nobody records its end.
            let dead = try await host.push(environment: ["PMO_FAIL": "request.after-spawn:kill,worker.begun:kill"])
            #expect(dead.status != 0, "\(dead)")
            try await host.git("reset", "--hard", "--quiet", "HEAD^")
            let queued = "SELECT number FROM deploys WHERE state = 'queued'"
            #expect(try await host.ledger(queued) == ["2"])
            // As if the next one had been asked for before it.
            let moved = try await host.run(
                "sqlite3",
                [
                    "-cmd", ".timeout 10000", "\(host.home)/pmo/ledger.sqlite",
                    "UPDATE deploys SET number = 9 WHERE number = 2",
                ])
            try #require(moved.status == 0, "\(moved)")
            try host.write(["index.html": "waits\n"])
            let commit = try await host.commit("Waits")
            let waiting = try await host.push()
            #expect(waiting.status == 0 && waiting.remote.contains { $0.hasPrefix("=====> Live") }, "\(waiting)")
            #expect(try await pushing.ended().status == 0)
            #expect(host.live() == commit)
        }
    }

    @Test("F04: a deploy killed in its build ends the push with the phase; the next one works")
    func endsThePush() async throws {
        try await TestHost.with { host in
            let served = try await host.deploy(["index.html": "served\n"])
            try host.write(["pmo-release.yml": slow.replacingOccurrences(of: "sleep 4", with: "sleep 97")])
            let killed = try await host.commit("Killed in its build")
            let pushing = try host.start("git", ["push", "production", "main"])
            try #require(try await eventually { pushing.said.contains("sleep 97") }, "\(pushing.said)")
            // A child that the worker starts has its arguments until it has become another program.
            try #require(try await eventually { host.workers().count == 1 })
            let worker = try #require(host.workers().first)
            kill(worker.pid, SIGKILL)
            let failed = try await pushing.ended()
            #expect(failed.status == 1 && failed.err.contains("its process ended in build"), "\(failed)")
            #expect(host.releases() == [served])
            #expect(try await host.branch() == served)
            #expect(try await host.get("/").body == "served\n")
            #expect(
                try await eventually(within: .seconds(60)) {
                    !RunningProcess.all().contains { $0.mentions(host.home) && $0.arguments.contains("sleep") }
                        && !RunningProcess.all().contains { $0.arguments == ["sleep", "97"] }
                }, "the processes of a killed build are dead")
            #expect(try await host.ledger("SELECT state, phase FROM deploys WHERE number = 2") == ["failed|build"])

            try host.write(["pmo-release.yml": "sites: { pmo.localhost: { root: . } }\n", "index.html": "next\n"])
            try await host.commit("Next")
            let next = try await host.push()
            #expect(next.status == 0, "\(next)")
            #expect(try await host.get("/").body == "next\n")
            #expect(killed != served)
        }
    }

    @Test("F36: of several that wait, the newest is deployed and the others are superseded")
    func supersedes() async throws {
        try await TestHost.with { host in
            try host.write(["index.html": "1\n", "pmo-release.yml": slow])
            let first = try await host.commit("1")
            let running = try host.start("git", ["push", "production", "\(first):refs/heads/main"])
            try #require(try await eventually { running.said.contains("sleep 4") }, "\(running.said)")
            try host.write(["index.html": "2\n", "pmo-release.yml": "sites: { pmo.localhost: { root: . } }\n"])
            let second = try await host.commit("2")
            let passed = try host.start("git", ["push", "production", "\(second):refs/heads/main"])
            try #require(try await eventually { try await host.ledger("SELECT count(*) FROM deploys") == ["2"] })
            try host.write(["index.html": "3\n"])
            let third = try await host.commit("3")
            let newest = try host.start("git", ["push", "production", "\(third):refs/heads/main"])
            let ends = try await [running.ended(), passed.ended(), newest.ended()]
            #expect(ends.map { $0.status == 0 } == [true, false, true], "\(ends)")
            #expect(ends[1].err.contains("superseded by"), "\(ends[1])")
            #expect(host.live() == third)
            #expect(try await host.branch() == third)
            #expect(
                try await host.ledger("SELECT state FROM deploys ORDER BY number") == ["live", "superseded", "live"])
            let kept = try await host.git("for-each-ref", "--format=%(refname)", "refs/pmo", directory: host.receiver)
            #expect(kept == "refs/pmo/deploys/1\nrefs/pmo/deploys/3")
        }
    }
}
