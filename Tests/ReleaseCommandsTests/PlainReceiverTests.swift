import Foundation
import Testing

@Suite("A receiver with plain post-receive", .serialized, .timeLimit(.minutes(20)))
struct PlainReceiverTests {
    private let broken = "build: [{ run: exit 7 }]\nsites: { pmo.localhost: { root: . } }\n"

    @Test("deploys as well")
    func deploys() async throws {
        try await TestHost.with { host in
            try await host.makePlain()
            let commit = try await host.deploy(["index.html": "plain\n"])
            #expect(try await host.get("/").body == "plain\n")
            #expect(host.live() == commit)
            #expect(try await host.ledger("SELECT count(*) FROM deploys") == ["1"])
        }
    }

    @Test("tells the outcome in the exit status of a push over ssh, and by whom in the ledger")
    func tellsTheOutcome() async throws {
        try await TestHost.with { host in
            try await host.makePlain()
            let ssh = try await host.makeForcedCommand(key: "alice")
            try await host.git("remote", "set-url", "production", "ssh://pmo@example.org/pmo")
            try host.write(["index.html": "over ssh\n"])
            try await host.commit("Over ssh")
            let pushed = try await host.push(environment: ssh)
            #expect(pushed.status == 0, "\(pushed)")
            #expect(pushed.remote.contains { $0.contains(" by alice") }, "\(pushed)")
            #expect(try await host.ledger("SELECT who, state FROM deploys") == ["alice|live"])
            #expect(try await host.get("/").body == "over ssh\n")

            try host.write(["pmo-release.yml": broken])
            try await host.commit("Broken")
            let failed = try await host.push(environment: ssh)
            #expect(failed.status != 0, "\(failed)")
            #expect(failed.remote.contains { $0.contains("build failed") }, "\(failed)")
            #expect(try await host.get("/").body == "over ssh\n")
        }
    }

    @Test("F36: tells a push over ssh that attached how the deploy ended")
    func tellsTheAttached() async throws {
        try await TestHost.with { host in
            try await host.makePlain()
            let ssh = try await host.makeForcedCommand(key: "alice")
            try host.write([
                "index.html": "x\n", "pmo-release.yml": broken.replacing("exit 7", with: "sleep 4; exit 7"),
            ])
            let commit = try await host.commit("Broken after a while")
            let pushing = try host.start("git", ["push", "production", "main"])
            try #require(try await eventually { pushing.said.contains("sleep 4") }, "\(pushing.said)")
            // The ref has moved already: only one that is set back can be pushed again.
            try await host.git("update-ref", "-d", "refs/heads/main", commit, directory: host.receiver)
            try await host.git("remote", "set-url", "production", "ssh://pmo@example.org/pmo")
            let again = try await host.push(environment: ssh)
            #expect(again.remote.contains("attached to deploy 1, which runs already"), "\(again)")
            #expect(again.status != 0, "\(again)")
            _ = try await pushing.ended()
            #expect(try await host.ledger("SELECT state FROM deploys") == ["failed"])
        }
    }

    @Test("is not the only one reached over ssh: proc-receive is, too")
    func worksWithProcReceive() async throws {
        try await TestHost.with { host in
            let ssh = try await host.makeForcedCommand(key: "bob")
            try await host.git("remote", "set-url", "production", "ssh://pmo@example.org/pmo")
            try host.write(["index.html": "one\n"])
            try await host.commit("One")
            let pushed = try await host.push(environment: ssh)
            #expect(pushed.status == 0, "\(pushed)")
            #expect(try await host.ledger("SELECT who, state FROM deploys") == ["bob|live"])
            try host.write(["pmo-release.yml": broken])
            try await host.commit("Broken")
            let failed = try await host.push(environment: ssh)
            #expect(failed.status == 1 && failed.err.contains("remote rejected"), "\(failed)")
        }
    }
}

@Suite("The forced command of a key", .serialized, .timeLimit(.minutes(20)))
struct ForcedCommandTests {
    @Test("A30: runs nothing but pushes, fetches and the product's own commands")
    func refusesOthers() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "one\n"])
            let refused = [
                "", "sh", "bash -i", "git-receive-pack 'pmo'; id", "git-receive-pack 'pmo' 'x'", "git-shell -c id",
                "git-receive-pack 'x\nid'", "git-receive-pack $(id)", "list; id", "list | id", "list `id`", "list\nid",
                "scp -t /", "sftp", "/usr/lib/openssh/sftp-server", "git-upload-archive 'pmo'", "list --home /",
                "list --home=/", "--home / list", "env list --values", "destroy pmo --confirm pmo", "shell --key root",
                "deploy-worker pmo 1", "shutdown", "list \u{1b}[2J", "git-receive-pack '../pmo/../../etc'",
                "list " + String(repeating: "a", count: 100_000),
            ]
            for command in refused {
                let ended = try await host.shell(command)
                #expect(ended.status != 0, "\(command.prefix(60)): \(ended)")
                #expect(ended.err.hasPrefix("pmo-release: error: "), "\(command.prefix(60)): \(ended)")
                #expect(!ended.all.contains("uid="), "\(ended)")
            }
            #expect(try await host.get("/").body == "one\n")
        }
    }

    @Test("is nothing where the rights of its key are not to be found")
    func failsClosed() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "one\n"])
            #expect(try await host.shell("list pmo").status == 0)
            try FileManager.default.removeItem(atPath: "\(host.home)/.pmo/keys.json")
            for command in ["list pmo", "lock pmo", "git-receive-pack 'pmo'"] {
                let ended = try await host.shell(command)
                #expect(ended.status == 3 && ended.err.contains("there is no key alice"), "\(command): \(ended)")
            }
        }
    }

    @Test("runs the product's own commands, and names an app of others as one that is not there (A36)")
    func runsOwn() async throws {
        try await TestHost.with { host in
            let commit = try await host.deploy(["index.html": "one\n"])
            for command in ["list", "list pmo", "status pmo", "history -n 3", "ps"] {
                let ended = try await host.shell(command)
                #expect(ended.status == 0, "\(command): \(ended)")
            }
            #expect(try await host.shell("list pmo --json").out.contains(commit))
            // A33: no home that the client names, no other key, no other's apps.
            let named = ["PMO_HOME": host.home, "PMO_KEY": "root", "PMO_KEY_APPS": "pmo", "PMO_CALLER": "root"]
            let elsewhere = try await host.shell("list pmo --json", namingHome: false, named)
            #expect(elsewhere.status == 3 && !elsewhere.all.contains(commit), "\(elsewhere)")
            let pushed = try await host.shell("history pmo --json").out
            #expect(try await host.shell("lock pmo -m why", named).status == 0)
            #expect(try await host.shell("unlock pmo", named).status == 0)
            let own = try await host.shell("history pmo --json").out
            #expect(own.contains("alice"), "\(own)")
            #expect(own.split(separator: "root").count == pushed.split(separator: "root").count, "\(own)")
            let absent = try await host.shell("git-receive-pack 'nobody'")
            #expect(absent.status == 3 && absent.err.contains("there is no app nobody here"), "\(absent)")
        }
    }
}

extension TestHost {
    /// Takes the proc-receive hook out of play, as on a git before 2.29.
    func makePlain() async throws {
        try await git("config", "--unset-all", "receive.procReceiveRefs", directory: receiver)
    }

    /// What sshd does with a key whose line in `authorized_keys` has a forced command.
    func makeForcedCommand(key: String) async throws -> [String: String] {
        try await letIn(key)
        let place = "\(root)/ssh-\(key)"
        let script = """
            #!/bin/sh
            for last; do :; done
            exec env -i SSH_ORIGINAL_COMMAND="$last" '\(Programs.release)' shell --key \(key) --home '\(home)'
            """
        try script.write(toFile: place, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place)
        return ["GIT_SSH_COMMAND": place, "GIT_SSH_VARIANT": "ssh"]
    }

    /// Adds a key, where it is not there yet: without that its line does nothing.
    func letIn(_ name: String) async throws {
        guard !FileManager.default.fileExists(atPath: "\(root)/\(name).pub") else { return }
        try await addKey(name, in: root)
    }

    /// What a key's line in `authorized_keys` runs.
    ///
    /// - Parameters:
    ///   - namingHome: whether the line names the home, as it does where that is not the usual one.
    ///   - environment: what sshd has taken over of the client's.
    func shell(
        _ command: String, namingHome: Bool = true, _ environment: [String: String] = [:]
    ) async throws -> Ended {
        try await letIn("alice")
        return try await Subprocess(
            Programs.release, ["shell", "--key", "alice"] + (namingHome ? ["--home", home] : []),
            environment: ["SSH_ORIGINAL_COMMAND": command].merging(environment) { own, _ in own }, directory: "/",
            input: ""
        ).ended(within: .seconds(30))
    }
}
