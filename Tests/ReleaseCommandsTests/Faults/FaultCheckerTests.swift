import Foundation
import Glibc
import Testing

/// The checker is checked: it finds each kind of damage, by the invariant's name, and nothing where all is well.
@Suite("Checked from outside", .timeLimit(.minutes(10)))
struct FaultCheckerTests {
    @Test("Each kind of damage is found, and nothing else", .timeLimit(.minutes(8)))
    func findsDamage() async throws {
        try await TestHost.with { host in
            let old = try await host.deploy([
                "index.html": "old\n", "tool": "#!/bin/sh\n", "pmo-release.yml": TestHost.site,
            ])
            let live = try await host.deploy(["index.html": "live\n"])
            let base = "\(host.home)/\(host.app)"
            let release = "\(base)/releases/\(live)"
            try #require(try await host.violations() == [])

            /// Does harm, looks, and undoes it.
            func expect(_ invariant: String, _ harm: String, _ undo: String) async throws {
                let harmed = try await host.run("sh", ["-euc", harm], directory: base)
                try #require(harmed.status == 0, "\(harm): \(harmed)")
                let found = try await host.violations()
                #expect(found.contains { $0.hasPrefix(invariant + ":") }, "\(harm): \(found)")
                let undone = try await host.run("sh", ["-euc", undo], directory: base)
                try #require(undone.status == 0, "\(undo): \(undone)")
                try await host.expectWell("after \(undo)")
            }
            let page = "releases/\(live)/index.html"
            try await expect("I1", "cp -p \(page) kept; : > \(page)", "cat kept > \(page); rm kept")
            try await expect("I1", "mv \(page) kept", "mv kept \(page)")
            try await expect("I1", "chmod 755 \(page)", "chmod 644 \(page)")
            try await expect(
                "I1", "cp releases/\(live)/.pmo/index kept; head -c -30 kept > releases/\(live)/.pmo/index",
                "cat kept > releases/\(live)/.pmo/index; rm kept")
            try await expect(
                "I1", "mv current kept; ln -s releases/\(String(repeating: "0", count: 40)) current",
                "rm current; mv kept current")
            try await expect("I1", "mv previous kept; mkdir previous", "rmdir previous; mv kept previous")
            try await expect("I2", "mv current kept", "mv kept current")
            try await expect("I5", "mkdir releases/.7.partial", "rmdir releases/.7.partial")
            try await expect("I5", "mv \(release)/.pmo/release.json kept", "mv kept \(release)/.pmo/release.json")
            try await expect("I5", "ln -s \(old) releases/\(live).2", "rm releases/\(live).2")
            try await expect("I5", "touch .current.1.1.tmp", "rm .current.1.1.tmp")
            let set =
                "python3 -c \"import sqlite3; c = sqlite3.connect('ledger.sqlite'); c.execute(\\\"%\\\"); c.commit()\""
            func update(_ text: String) -> String { set.replacingOccurrences(of: "%", with: text) }
            try await expect(
                "I7", update("UPDATE deploys SET state = 'running' WHERE number = 1"),
                update("UPDATE deploys SET state = 'live' WHERE number = 1"))
            try await expect(
                "I7", update("UPDATE deploys SET state = 'failed', reason = 'x' WHERE number = 2"),
                update("UPDATE deploys SET state = 'live', reason = NULL WHERE number = 2"))
            try await expect(
                "I7",
                "cp ledger.sqlite kept; mv ledger.sqlite-wal kept-wal 2>/dev/null || :; yes | head -c 40960 > ledger.sqlite",
                "cp kept ledger.sqlite; rm kept; mv kept-wal ledger.sqlite-wal 2>/dev/null || :")
            try await expect("I7", "mkdir -p deploys; touch deploys/9.json", "rm deploys/9.json")

            let lock = try host.start("flock", ["\(base)/lock", "sleep", "60"])
            try #require(try await eventually { try await !host.violations().isEmpty })
            #expect(try await host.violations() == ["I6: lock is held"])
            kill(-lock.pid, SIGKILL)
            _ = try await lock.ended()
            let truth = FaultyPush(
                commit: live, ended: Ended(status: 1, out: "", err: "", seconds: 0), struckInHooks: 0, struckInWorker: 0
            )
            #expect(try await host.violations(after: truth).first?.hasPrefix("I3:") == true)
            let lie = FaultyPush(
                commit: old, ended: Ended(status: 0, out: "", err: "", seconds: 0), struckInHooks: 0, struckInWorker: 0)
            #expect(try await host.violations(after: lie).first?.hasPrefix("I3:") == true)
        }
    }

    @Test("I8, I9: a secret outside its file is found, and a change of another app")
    func findsLeaks() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "live\n", "pmo-release.yml": TestHost.site])
            let secret = "canary-\(UUID().uuidString)"
            let set = try await host.pmo("env", "set", host.app, "TOKEN=\(secret)")
            try #require(set.status == 0, "\(set)")
            try await host.deploy(["index.html": "with a secret\n"])
            #expect(try await host.violations(serving: true, "--secret", secret) == [])
            try secret.write(toFile: "\(host.home)/\(host.app)/logs/leak", atomically: false, encoding: .utf8)
            #expect(try await host.violations(serving: true, "--secret", secret) == ["I8: the secret is in logs/leak"])
            try FileManager.default.removeItem(atPath: "\(host.home)/\(host.app)/logs/leak")
            chmod("\(host.home)/\(host.app)/env/values", 0o644)
            #expect(
                try await host.violations(serving: true, "--secret", secret) == ["I8: env/values can be read by others"]
            )

            let made = try await host.pmo(
                "create", "other", "--listen", "127.0.0.1:\(host.port)", "--supervisor", "runit")
            try #require(made.status == 0, "\(made)")
            func digest() async throws -> String {
                let checker = Programs.package + "/tools/check-invariants"
                let ended = try await host.run(checker, ["--home", host.home, "--app", host.app, "--digest-others"])
                try #require(ended.status == 0 && ended.out.count == 65, "\(ended)")
                return String(ended.out.dropLast())
            }
            let before = try await digest()
            #expect(try await host.violations(serving: true, "--others", before) == [])
            try await host.deploy(["index.html": "this app alone\n"])
            #expect(try await host.violations(serving: true, "--others", before) == [])
            try "changed".write(toFile: "\(host.home)/other/shared/file", atomically: false, encoding: .utf8)
            #expect(try await host.violations(serving: true, "--others", before) == ["I9: another app has changed"])
        }
    }
}
