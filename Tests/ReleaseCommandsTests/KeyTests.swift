import Foundation
import Testing

@Suite("Keys over a real sshd", .serialized, .timeLimit(.minutes(20)))
struct KeyTests {
    @Test("A30, A31, A36: a key pushes and asks what it may, of the apps that are its own, and nothing else")
    func rights() async throws {
        try await TestHost.with { host in
            let ssh = try await SSHServer(host)
            defer { ssh.stop() }
            let first = try await ssh.makeKey("alice", "--can", "push,read")
            try await host.git("remote", "set-url", "production", ssh.url("pmo"))
            try host.write(["index.html": "over ssh\n"])
            try await host.commit("Over ssh")
            let pushed = try await host.push(environment: first)
            #expect(pushed.status == 0, "\(pushed)")
            #expect(try await host.get("/").body == "over ssh\n")
            #expect(try await host.ledger("SELECT who FROM deploys") == ["alice"])
            let listed = try await ssh.run("list pmo", as: "alice")
            #expect(listed.status == 0 && listed.out.contains("Over ssh"), "\(listed)")
            let switched = try await ssh.run("rollback pmo", as: "alice")
            #expect(switched.status == 3 && switched.err.contains("the key alice may not operate"), "\(switched)")

            // A key that is for another app sees this one as little as one that is not there.
            try #require(try await host.pmo("create", "other").status == 0)
            let bob = try await ssh.makeKey("bob", "--app", "other")
            let refused = try await host.push(environment: bob)
            #expect(refused.status != 0 && refused.err.contains("there is no app pmo here"), "\(refused)")
            for command in ["list pmo", "ps pmo", "switch pmo 4f2c9ab"] {
                let ended = try await ssh.run(command, as: "bob")
                #expect(ended.status == 3 && ended.err.contains("there is no app pmo here"), "\(ended)")
            }
            let apps = try await ssh.run("apps", as: "bob")
            #expect(apps.out.contains("other") && !apps.out.contains("pmo"), "\(apps)")

            // Forwarding, a terminal and a subsystem.
            let forwarding = ["-L", "0:127.0.0.1:\(host.port)", "-o", "ExitOnForwardFailure=yes", "-N"]
            for options in [forwarding, ["-s", "sftp"], ["-tt", "list"]] {
                let ended = try await ssh.ssh(options, as: "alice")
                #expect(ended.status != 0, "\(options): \(ended)")
            }
            for command in ["sh", "scp -t /tmp", "list; id"] {
                let ended = try await ssh.run(command, as: "alice")
                #expect(ended.status == 3 && ended.err.contains("over ssh there are git push and apps, "), "\(ended)")
            }
        }
    }

    @Test("A key that was removed, or whose day is over, is refused with what helps, also where its line still stands")
    func removed() async throws {
        try await TestHost.with { host in
            let ssh = try await SSHServer(host)
            defer { ssh.stop() }
            _ = try await ssh.makeKey("alice")
            _ = try await ssh.makeKey("bob", "--expires", "2999-12-31")
            #expect(try await ssh.run("list", as: "alice").status == 0)
            let line = try String(contentsOfFile: ssh.lines, encoding: .utf8)
            #expect(try await host.pmo("key", "remove", "alice").status == 0)
            let gone = try await ssh.run("list", as: "alice")
            #expect(gone.status == 255 && gone.err.contains("Permission denied"), "\(gone)")
            try line.write(toFile: ssh.lines, atomically: false, encoding: .utf8)
            let stale = try await ssh.run("list", as: "alice")
            #expect(stale.status == 3 && stale.err.contains("there is no key alice"), "\(stale)")

            try host.expire("bob")
            let over = try await ssh.run("list", as: "bob")
            #expect(over.status == 3 && over.err.contains("the time of the key bob is over"), "\(over)")
            let list = try await host.pmo("key", "list")
            #expect(list.out.contains("expired") && list.out.contains("SHA256:"), "\(list)")
            #expect(try await host.pmo("key", "list", "--json").out.contains("\"fingerprint\""))
        }
    }

    @Test("A32: what is no single public key is refused before anything changes")
    func refused() async throws {
        try await TestHost.with { host in
            let file = "\(host.root)/lines"
            let good = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
            for input in [
                "", "command=\"sh\" " + good, good + good, good.replacing("\n", with: "\r\n"), "ssh-ed25519 x\n",
            ] {
                let ended = try await host.pmo("key", "add", "alice", "--authorized-keys", file, input: input)
                #expect(ended.status == 3 && ended.err.contains("hint: pmo-release key add alice < "), "\(ended)")
            }
            for words in [["--expires", "2001-01-01"], ["--can", "everything"], ["--app", "nobody"]] {
                let ended = try await host.run(
                    "pmo-release", ["key", "add", "alice", "--authorized-keys", file] + words, input: good)
                #expect(ended.status == 3, "\(ended)")
            }
            #expect(!FileManager.default.fileExists(atPath: file))
            #expect(try await host.pmo("key", "list").err.contains("no key yet"))
        }
    }
}

extension TestHost {
    /// Sets the end of a key's time to a moment long ago, as if it had passed.
    func expire(_ name: String) throws {
        let place = "\(home)/.pmo/keys.json"
        let text = try String(contentsOfFile: place, encoding: .utf8)
        let end = try #require(text.firstRange(of: /"expires" : [0-9.e+]+/))
        try text.replacingCharacters(in: end, with: "\"expires\" : 1000").write(
            toFile: place, atomically: true, encoding: .utf8)
    }
}
