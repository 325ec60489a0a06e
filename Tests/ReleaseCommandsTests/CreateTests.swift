import Foundation
import Testing

@Suite("Whoever creates an app", .serialized, .timeLimit(.minutes(20)))
struct CreateTests {
    @Test("is told of a remote that has the environment's name")
    func remoteName() async throws {
        try await TestHost.with { host in
            let created = try await host.pmo("create", "site-staging", "--environment", "staging")
            #expect(created.status == 0 && created.out.contains("git remote add staging "), "\(created)")
            #expect(created.out.contains("git push staging main\n"), "\(created)")
            let odd = try await host.pmo("create", "site-odd", "--environment", "a; b")
            #expect(odd.status == 3 && odd.err.contains("environment name"), "\(odd)")
            #expect(!FileManager.default.fileExists(atPath: "\(host.home)/site-odd"))
        }
    }

    @Test(
        "is refused a push to an app whose environment the manifest does not have, but others",
        arguments: ["stagin", "staging", "production"])
    func unknownEnvironment(_ name: String) async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("create", "other", "--environment", name).status == 0)
            try host.write([
                "index.html": "x\n",
                "pmo-release.yml": "sites: { other.localhost: { root: . } }\nenvironments: { staging: { keep: 2 } }\n",
            ])
            try await host.commit("One")
            try await host.git("remote", "add", "other", "\(host.home)/other/repo.git")
            let pushed = try await host.run("git", ["push", "other", "main"])
            #expect((pushed.status == 0) == (name != "stagin"), "\(pushed)")
            if name == "stagin" {
                #expect(pushed.all.contains("other is for the environment “stagin”, and the manifest has staging"))
            }
        }
    }

    @Test(
        "is refused what cannot be created",
        arguments: [
            (["Big"], 3, "app name"), (["a--b"], 3, "app name"), (["-x"], 64, "<app>"),
            (["pmo"], 3, "the app pmo exists already"),
            (["new", "--listen", "nonsense"], 64, "--listen takes [ADDRESS:]PORT"),
            (["new", "--listen", "127.0.0.1:1"], 3, "this host's apps share one nginx"),
            (["new", "--supervisor", "systemd"], 3, "this host's apps share one supervisor"),
            (["new", "--home", "/proc/nowhere"], 3, "cannot write to the home /proc/nowhere"),
        ])
    func cannotCreate(words: [String], status: Int, sentence: String) async throws {
        try await TestHost.with { host in
            let refused = try await host.run("pmo-release", ["create"] + words)
            #expect(refused.status == Int32(status), "\(refused)")
            #expect(refused.err.hasPrefix("pmo-release: error: ") && refused.err.contains(sentence), "\(refused)")
            #expect(host.names(host.home).filter { !$0.hasPrefix(".") } == ["pmo"])
        }
    }

    @Test("is told that the port is taken, and by whom")
    func portIsTaken() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "x\n"])
            let refused = try await host.run(
                "pmo-release",
                [
                    "create", "new", "--home", "\(host.root)/second", "--listen", "127.0.0.1:\(host.port)",
                    "--supervisor", "runit",
                ])
            #expect(refused.status == 3, "\(refused)")
            #expect(refused.err.contains("port \(host.port) is taken by nginx"), "\(refused)")
            #expect(refused.err.contains("hint: --listen 127.0.0.1:\(host.port + 1)"), "\(refused)")
        }
    }
}
