import Foundation
import Glibc
import Testing

@Suite("F40: What the doctor finds", .timeLimit(.minutes(10)))
struct FaultDoctorTests {
    private func doctor(_ host: TestHost) async throws -> [String] {
        let ended = try await host.pmo("doctor", host.app)
        let wrong = ended.out.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("ok") }
        try #require(ended.status == (wrong.isEmpty ? 0 : 1), "\(ended)")
        return wrong
    }

    @Test(
        "`current` dangling, looped, a directory, edited by hand: refused, nothing touched, and the fix is a command that works"
    )
    func oddLinks() async throws {
        try await TestHost.with { host in
            let old = try await host.deploy(["index.html": "old\n", "pmo-release.yml": TestHost.site])
            let live = try await host.deploy(["index.html": "live\n"])
            try #require(try await doctor(host) == [])
            let base = "\(host.home)/\(host.app)"
            for harm in [
                "ln -sfn releases/\(String(repeating: "0", count: 40)) current", "ln -sfn current current",
                "rm current; mkdir current", "ln -sfn /etc current", "ln -sfn releases/\(live)/.pmo current",
            ] {
                _ = try await host.run("sh", ["-euc", harm], directory: base)
                let before = try await host.run("find", [".", "-not", "-name", "*.log"], directory: "\(base)/releases")
                    .out
                for command in [
                    ["rollback", host.app], ["switch", host.app, String(old.prefix(7))], ["resume", host.app],
                ] {
                    let refused = try await host.run("pmo-release", command)
                    #expect(refused.status != 0 && refused.err.contains("/current "), "\(harm): \(refused)")
                }
                #expect(
                    try await host.run("find", [".", "-not", "-name", "*.log"], directory: "\(base)/releases").out
                        == before)
                let found = try await doctor(host)
                #expect(found.first?.hasPrefix("!!  current: ") == true, "\(harm): \(found)")
                let repair = try #require(found.dropFirst().first?.components(separatedBy: "repair: ").last)
                let repaired = try await host.run("sh", ["-euc", repair], directory: base)
                #expect(repaired.status == 0, "\(repair): \(repaired)")
                try? FileManager.default.removeItem(atPath: "\(base)/current.odd")
                #expect(try await doctor(host) == [], "\(harm)")
                try await host.expectWell("\(harm), repaired by \(repair)")
            }
        }
    }

    @Test("`current` gone, and nginx that does not run: told, with the command that brings them back")
    func gone() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "old\n", "pmo-release.yml": TestHost.site])
            try await host.deploy(["index.html": "live\n"])
            let base = "\(host.home)/\(host.app)"
            func repaired(_ harm: String, _ says: String) async throws {
                let harmed = try await host.run("sh", ["-euc", harm], directory: base)
                try #require(harmed.status == 0, "\(harmed)")
                let found = try await doctor(host)
                #expect(found.first?.hasPrefix(says) == true, "\(found)")
                let repair = try #require(found.dropFirst().first?.components(separatedBy: "repair: ").last)
                let ended = try await host.run("sh", ["-euc", repair], directory: base)
                #expect(ended.status == 0, "\(repair): \(ended)")
                #expect(try await doctor(host) == [])
                #expect(try await host.get("/").body == "live\n")
            }
            try await repaired("rm current", "!!  current: is gone, and there are releases")
            try await repaired("rm -r repo.git", "!!  receiver: ")
            #expect(try await host.push("--force", "main").status == 0)
            try await repaired("rm repo.git/hooks/proc-receive", "!!  receiver: cannot run its hooks: proc-receive")
            try await repaired("rm repo.git/HEAD", "!!  receiver: ")
            // Nothing odd keeps a host from serving after a boot.
            let odd = try await host.run("sh", ["-euc", "mv previous away; mkdir previous"], directory: base)
            #expect(odd.status == 0, "\(odd)")
            let resumed = try await host.pmo("resume", "--all")
            #expect(resumed.status == 0, "\(resumed)")
            #expect(try await host.run("rmdir", ["previous"], directory: base).status == 0)
            #expect(try await host.run("mv", ["away", "previous"], directory: base).status == 0)
            // A master that was killed has left workers, which have its port.
            let killed = try await host.run(
                "sh", ["-euc", "kill -KILL $(cat ../.pmo/services/nginx/supervise/pid)"], directory: base)
            #expect(killed.status == 0, "\(killed)")
            #expect(try await eventually { try await doctor(host) == [] })
            #expect(try await host.get("/").body == "live\n")
            try await repaired(
                "touch ../.pmo/services/nginx/down; sv -w 20 down ../.pmo/services/nginx",
                "!!  site: nginx does not run")
        }
    }

    @Test("G6: a rollback works with the ledger overwritten by noise and the receiver gone, and the ledger comes back")
    func noise() async throws {
        try await TestHost.with { host in
            let old = try await host.deploy(["index.html": "old\n", "pmo-release.yml": TestHost.site])
            let live = try await host.deploy(["index.html": "live\n"])
            let base = "\(host.home)/\(host.app)"
            let harm =
                "head -c 65536 /dev/urandom > ledger.sqlite; rm -f ledger.sqlite-wal ledger.sqlite-shm; mv repo.git away"
            _ = try await host.run("sh", ["-euc", harm], directory: base)
            let back = try await host.pmo("rollback", host.app)
            #expect(back.status == 0, "\(back)")
            #expect(host.live() == old)
            #expect(try await host.get("/index.html").body == "old\n")
            let found = try await doctor(host)
            #expect(found.contains("    repair: pmo-release resume \(host.app)"), "\(found)")
            #expect(found.contains { $0.hasPrefix("!!  receiver: ") }, "\(found)")
            _ = try await host.run("mv", ["away", "repo.git"], directory: base)
            let resumed = try await host.pmo("resume", host.app)
            #expect(resumed.status == 0 && resumed.out.contains("rebuilt from the releases"), "\(resumed)")
            #expect(try await doctor(host) == [])
            try await host.expectWell("noise in the ledger")
            #expect(try await host.ledger("SELECT number, state FROM deploys ORDER BY number") == ["1|live", "2|live"])
            #expect(access("\(base)/ledger.damaged/ledger.sqlite", F_OK) == 0, "what was there is kept")

            // And lost altogether: the next command has it again.
            _ = try await host.run("sh", ["-euc", "rm ledger.sqlite*"], directory: base)
            #expect(try await doctor(host).contains("!!  ledger: is lost"))
            let forth = try await host.pmo("switch", host.app, String(live.prefix(7)))
            #expect(forth.status == 0, "\(forth)")
            try await host.expectWell("a lost ledger")
            try await host.deploy(["index.html": "next\n"])
            #expect(try await host.ledger("SELECT max(number) FROM deploys") == ["3"])
        }
    }

    @Test("What was cut short is told with its repair, and the points at which a test can do that are listed")
    func interrupted() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "live\n", "pmo-release.yml": TestHost.site])
            let push = try await host.push(failing: "export.after-tree:kill,recovery.before-action:kill")
            #expect(push.struckInWorker == 1 && push.struckInHooks == 1, "\(push.ended)")
            #expect(
                try await doctor(host) == ["!!  deploys: cut short: 2", "    repair: pmo-release resume \(host.app)"])
            let resumed = try await host.pmo("resume", "--all")
            #expect(resumed.out.hasPrefix("\(host.app): deploy 2 (\(push.commit.prefix(7))) failed: "), "\(resumed)")
            #expect(try await doctor(host) == [])
            let listed = try await host.pmo("doctor", "--fail-points")
            #expect(listed.out.contains("switch.before-rename "), "\(listed)")
            let wrong = try await host.run("pmo-release", ["list"], environment: ["PMO_FAIL": "switch:kill"])
            #expect(wrong.status == 1 && wrong.err.contains("PMO_FAIL names no fail point: “switch”"), "\(wrong)")
        }
    }
}
