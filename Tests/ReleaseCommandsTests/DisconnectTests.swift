import Foundation
import Glibc
import Testing

@Suite("A pusher who is gone", .serialized, .timeLimit(.minutes(20)))
struct DisconnectTests {
    /// How a pusher goes.
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        case ssh = "git and ssh are killed"
        case gitAlone = "git is killed, its ssh is not"
        case local = "git is killed on the host itself"
        var testDescription: String { rawValue }
    }

    @Test("F37: leaves no hook and no receive-pack behind, and the deploy goes on to its end", arguments: Way.allCases)
    func leavesNothing(_ way: Way) async throws {
        try await TestHost.with { host in
            let server = way == .local ? nil : try await host.serveSSH()
            try host.write(["index.html": "on and on\n", "pmo-release.yml": GatedBuild.manifest(saying: "begun")])
            let commit = try await host.commit("On and on")
            let pushing = try host.start(
                "git", ["push", "production", "main"], environment: server?.environment ?? [:])
            try #require(try await eventually { pushing.said.contains("begun") }, "\(pushing.said)")
            #expect(!host.pushers().isEmpty)
            kill(way == .ssh ? -pushing.pid : pushing.pid, SIGKILL)
            _ = try await pushing.ended()

            // The build waits for us: whatever ends now does so by itself.
            #expect(try await eventually { host.pushers().isEmpty }, "\(host.pushers().map(\.arguments))")
            #expect(try await host.ledger("SELECT state FROM deploys") == ["running"])
            #expect(host.workers().count == 1)
            try GatedBuild.open(host)
            #expect(try await eventually { try await host.ledger("SELECT state FROM deploys") == ["live"] })
            #expect(try await host.branch() == commit)
            #expect(try await host.get("/").body == "on and on\n")
        }
    }

    @Test("F37: of a command that follows a deploy or a log, neither")
    func endsCommands() async throws {
        try await TestHost.with { host in
            try host.write(["index.html": "x\n", "pmo-release.yml": GatedBuild.manifest(saying: "begun")])
            try await host.commit("Followed")
            let pushing = try host.start("git", ["push", "production", "main"])
            try #require(try await eventually { pushing.said.contains("begun") }, "\(pushing.said)")
            for command in ["log pmo", "logs pmo --follow"] {
                // sleep keeps the pipe for a while, then goes without having read.
                let piped = try host.start(
                    "sh", ["-c", "'\(Programs.release)' \(command) --home '\(host.home)' 2>/dev/null | sleep 0.5"])
                let ended = try await piped.ended()
                #expect(ended.status == 0, "\(command): \(ended)")
            }
            try GatedBuild.open(host)
            let pushed = try await pushing.ended()
            #expect(pushed.status == 0, "\(pushed)")
        }
    }
}

/// A build that goes on when the test says so.
enum GatedBuild {
    static func manifest(saying word: String) -> String {
        "build: [{ run: 'echo \(word); while [ ! -e \"$HOME/open\" ]; do sleep 0.1; done' }]\n"
            + "sites: { pmo.localhost: { root: . } }\n"
    }

    static func open(_ host: TestHost) throws {
        try Data().write(to: URL(fileURLWithPath: "\(host.home)/\(host.app)/cache/home/open"))
    }
}

extension TestHost {
    /// The processes that serve a pusher: the forced command, git's side of a push, and its hooks.
    func pushers() -> [RunningProcess] {
        RunningProcess.all().filter { process in
            let line = process.arguments.joined(separator: " ")
            return (process.mentions(root + "/") && (line.contains("receive-pack") || line.contains(" shell --key ")))
                || (process.directory == receiver && line.contains("-receive"))
        }
    }
}
