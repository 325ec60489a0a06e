import Foundation
import FreePorts
import Glibc
import Testing

@Suite("await-deploys, by which a package upgrade waits", .serialized, .timeLimit(.minutes(10)))
struct AwaitDeploysTests {
    @Test("ends at once where nothing is under way, waits for a deploy and says for which, and gives up in time")
    func waits() async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("await-deploys").status == 0)
            try host.write(["index.html": "1\n", "pmo-release.yml": GatedBuild.manifest(saying: "begun")])
            let commit = try await host.commit("1")
            let pushed = try host.start("git", ["push", "production", "main"])
            try #require(try await eventually { pushed.said.contains("begun") }, "\(pushed.said)")
            let impatient = try await host.pmo("await-deploys", "--within", "1s")
            let told = "pmo: deploy 1 (\(commit.prefix(7))) of \(host.user): build for "
            #expect(
                impatient.status == 3 && impatient.err.contains("still under way after 1s: \(told)"), "\(impatient)")
            let patient = try host.start("pmo-release", ["await-deploys"])
            try #require(try await eventually { patient.said.contains("waiting for \(told)") }, "\(patient.said)")
            try GatedBuild.open(host)
            #expect(try await patient.ended().status == 0)
            #expect(try await pushed.ended().status == 0)
        }
    }
}

@Suite(
    "root in a home that belongs to somebody else", .serialized, .enabled(if: geteuid() == 0), .timeLimit(.minutes(10)))
struct HomeOwnerTests {
    private static let nobody: uid_t = 65534

    @Test("becomes that user before it touches anything, and is known by its own name")
    func becomes() async throws {
        try await TestHost.with { host in
            let home = host.root + "/other"
            try #require(mkdir(home, 0o755) == 0 && chown(home, Self.nobody, Self.nobody) == 0)
            let created = try await host.pmo(
                "create", "own", "--home", home, "--listen", "127.0.0.1:\(FreePort.next())", "--supervisor", "runit"
            )
            #expect(created.status == 0, "\(created)")
            #expect(try await host.run("pmo-release", ["env", "set", "own", "A=b", "--home=\(home)"]).status == 0)
            let locked = try await host.run(
                "pmo-release", ["lock", "own", "-m", "why"], environment: ["PMO_HOME": home, "SUDO_USER": "ada"])
            #expect(locked.status == 0, "\(locked)")
            let status = try await host.pmo("status", "own", "--home", home)
            #expect(status.out.contains("locked by ada"), "\(status)")
            #expect(try await host.pmo("lock", "own", "-m", "x", "--home", home).err.contains("already, by ada"))
            let strays = try await host.run("find", [home, "!", "-user", "nobody"])
            #expect(strays.status == 0 && strays.out.isEmpty, "\(strays)")
        }
    }

    @Test("does not push there, and does nothing for an owner whom nobody knows")
    func refused() async throws {
        try await TestHost.with { host in
            try #require(chown(host.home, Self.nobody, Self.nobody) == 0)
            let hook = try await host.run(Programs.built + "/post-receive", ["pre-receive"], directory: host.receiver)
            #expect(hook.status == 1 && hook.err.contains("root does not push into the receiver of nobody"), "\(hook)")
            #expect(hook.err.contains("hint: git remote set-url production nobody@<host>:<app>"), "\(hook)")
            try #require(chown(host.home, 4_200_000, 0) == 0)
            let unknown = try await host.pmo("apps")
            #expect(unknown.status == 3 && unknown.err.contains("belongs to user 4200000"), "\(unknown)")
            #expect(try await host.pmo("completions", "bash").status == 0, "it touches no home")
            try #require(chown(host.home, 0, 0) == 0)
            #expect(try await host.pmo("apps").status == 0)
        }
    }
}
