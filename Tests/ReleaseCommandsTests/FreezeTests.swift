import Foundation
import Glibc
import Testing

@Suite("An app that is locked", .serialized, .timeLimit(.minutes(20)))
struct FreezeTests {
    @Test("refuses pushes, deploys, switches and rollbacks by who, why, since when and how to go on; --force goes on")
    func refuses() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(["index.html": "1\n"])
            let second = try await host.deploy(["index.html": "2\n"])
            let locked = try await host.pmo("lock", "pmo", "-m", "the database moves")
            #expect(locked.status == 0 && locked.err.contains("pmo-release unlock pmo"), "\(locked)")
            let told = "pmo is locked by \(host.user) since 20"

            try host.write(["index.html": "3\n"])
            let third = try await host.commit("3")
            let before = try await host.snapshot()
            let pushed = try await host.push()
            #expect(pushed.status == 1 && pushed.err.contains("pre-receive hook declined"), "\(pushed)")
            #expect(pushed.remote.contains { $0.contains(told) && $0.hasSuffix(": the database moves") }, "\(pushed)")
            #expect(pushed.remote.contains("hint: pmo-release unlock pmo"), "\(pushed)")
            #expect(try await host.snapshot() == before)
            for words in [
                ["rollback", "pmo"], ["switch", "pmo", first], ["deploy", "pmo", first], ["retry", "pmo"],
            ] {
                let refused = try await host.run("pmo-release", words)
                #expect(refused.status == 3 && refused.err.contains(told), "\(words): \(refused)")
                #expect(refused.err.contains("hint: pmo-release unlock pmo, or --force"), "\(words): \(refused)")
            }
            #expect(host.live() == second)

            let status = try await host.pmo("status", "pmo")
            #expect(status.status == 0 && status.out.contains("locked by \(host.user)"), "\(status)")
            #expect(try await host.pmo("status", "pmo", "--json").out.contains(#""why" : "the database moves""#))
            let planned = try await host.push("-o", "plan", "main")
            #expect(planned.remote.contains { $0.contains("locked   by \(host.user)") }, "\(planned)")
            let twice = try await host.pmo("lock", "-m", "me too")
            #expect(twice.status == 3 && twice.err.contains("is locked already, by \(host.user)"), "\(twice)")
            #expect(try await host.pmo("lock", "pmo").status == 64, "a lock without a reason")

            #expect(try await host.pmo("rollback", "pmo", "--force").status == 0)
            #expect(host.live() == first)
            #expect(try await host.pmo("deploy", "pmo", second, "--force").status == 0)
            #expect(try await host.get("/").body == "2\n")
            #expect(try await host.pmo("unlock", "pmo").status == 0)
            #expect(try await host.pmo("unlock", "pmo").err.contains("is not locked"))
            #expect(try await host.push().status == 0)
            #expect(host.live() == third)
            let events = try await host.ledger("SELECT verb, detail FROM events WHERE verb LIKE '%lock' ORDER BY id")
            #expect(events == ["lock|the database moves", "unlock|"])
        }
    }

    @Test("is locked though the ledger cannot be written: what was done is not said to have failed")
    func withoutALedger() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "1\n"])
            let ledger = "\(host.home)/pmo/ledger.sqlite"
            try FileManager.default.removeItem(atPath: ledger)
            try FileManager.default.createDirectory(atPath: ledger, withIntermediateDirectories: false)
            let locked = try await host.pmo("lock", "pmo", "-m", "the disk is ill")
            #expect(locked.status == 0 && locked.err.contains("warning: not recorded in the ledger"), "\(locked)")
            #expect(try await host.pmo("rollback", "pmo").err.contains("the disk is ill"))
            // F40: it is set aside as a damaged one is.
            #expect(try await host.pmo("history", "pmo").err.contains("hint: pmo-release resume pmo"))
            let resumed = try await host.pmo("resume", "pmo")
            #expect(resumed.status == 0 && resumed.out.contains("the ledger was damaged"), "\(resumed)")
            #expect(try await host.ledger("SELECT state FROM deploys") == ["live"])
        }
    }

    @Test("lets a deploy that runs go on, and ends one that waits; over ssh by the key's name")
    func duringADeploy() async throws {
        try await TestHost.with { host in
            try host.write(["index.html": "1\n", "pmo-release.yml": GatedBuild.manifest(saying: "begun")])
            let first = try await host.commit("1")
            let running = try host.start("git", ["push", "production", "\(first):refs/heads/main"])
            try #require(try await eventually { running.said.contains("begun") }, "\(running.said)")
            try host.write(["index.html": "2\n"])
            let second = try await host.commit("2")
            let waiting = try host.start("git", ["push", "production", "\(second):refs/heads/main"])
            let wait = "waiting for deploy 1 (\(first.prefix(7))) of \(host.user): build for "
            try #require(try await eventually { waiting.said.contains(wait) }, "F36: \(waiting.said)")
            let status = try await host.pmo("status", "pmo")
            #expect(status.out.contains("deploy 1 (\(first.prefix(7))) of \(host.user): build, for "), "\(status)")
            #expect(status.out.contains("deploy 2 (\(second.prefix(7))) of \(host.user): waits, for "), "\(status)")

            let switching = try host.start("pmo-release", ["switch", "pmo", first])
            try #require(try await eventually { switching.said.contains("waiting for deploy 1") }, "\(switching.said)")
            let locked = try await host.shell("lock pmo -m not today; it's \"late\"")
            #expect(
                locked.status == 0 && locked.err.contains("deploy 1 (\(first.prefix(7))) runs already"), "\(locked)")
            #expect(try await host.shell("lock pmo -m \u{1b}[2J").status == 3)
            try GatedBuild.open(host)
            #expect(try await running.ended().status == 0)
            let switched = try await switching.ended()
            #expect(switched.status == 3 && switched.err.contains("pmo is locked by alice since"), "\(switched)")
            let ended = try await waiting.ended()
            #expect(ended.status == 1 && ended.err.contains("pmo is locked by alice since"), "\(ended)")
            #expect(ended.err.contains("not today; it's \"late\""), "\(ended)")
            #expect(host.live() == first)
            #expect(try await host.ledger("SELECT state FROM deploys ORDER BY number") == ["live", "failed"])
            #expect(try await host.shell("unlock pmo").status == 0)
            #expect(try await host.push().status == 0)
            #expect(host.live() == second)
        }
    }
}

extension TestHost {
    var user: String { String(cString: getpwuid(geteuid()).pointee.pw_name) }
}
