import Foundation
import Glibc
import Testing

@Suite("An app comes and goes at once", .serialized, .timeLimit(.minutes(10)))
struct CreateAndDestroyTests {
    private func create(_ host: TestHost, _ app: String, failing plan: String? = nil) throws -> Subprocess {
        try host.start(
            "pmo-release", ["create", app, "--listen", "127.0.0.1:\(host.port)", "--supervisor", "runit"],
            environment: plan.map { ["PMO_FAIL": $0] } ?? [:])
    }

    /// What is in the home beside apps and what they share.
    private func leftovers(_ host: TestHost) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: host.home).filter { $0.hasPrefix(".") && $0 != ".pmo" }
    }

    @Test("What is in its place is left as it is: an app without its settings, or anything else")
    func isInTheWay() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "1\n", "pmo-release.yml": TestHost.site])
            let settings = "\(host.home)/pmo/settings.json"
            try FileManager.default.moveItem(atPath: settings, toPath: settings + ".away")
            let before = try await host.snapshot()
            let refused = try await create(host, "pmo").ended()
            #expect(refused.status == 3, "\(refused)")
            #expect(refused.err.contains("there is something at \(host.home)/pmo already"), "\(refused)")
            #expect(refused.err.contains("mv \(host.home)/pmo \(host.home)/pmo.old"), "\(refused)")
            #expect(try await host.snapshot() == before)
            #expect(try await host.get("/").body == "1\n")
            try FileManager.default.moveItem(atPath: settings + ".away", toPath: settings)
            #expect(try await host.pmo("status", "pmo").status == 0)

            try "mine\n".write(toFile: "\(host.home)/shop", atomically: true, encoding: .utf8)
            #expect(try await create(host, "shop").ended().status == 3)
            #expect(host.text("\(host.home)/shop") == "mine\n")
            #expect(try leftovers(host) == [])
        }
    }

    @Test("F36: Of several that make it at once, one does")
    func atOnce() async throws {
        try await TestHost.with { host in
            for round in 1...5 {
                let app = "shop-\(round)"
                let creating = try (0..<4).map { _ in try create(host, app) }
                var ended: [Ended] = []
                for one in creating { ended.append(try await one.ended()) }
                #expect(ended.filter { $0.status == 0 }.count == 1, "\(ended)")
                for other in ended where other.status != 0 {
                    #expect(other.status == 3 && other.err.contains("the app \(app) exists already"), "\(other)")
                }
                try await host.git("ls-remote", "\(host.home)/\(app)/repo.git")
            }
            #expect(try leftovers(host) == [])
        }
    }

    @Test("Whoever comes to the home by a link works on the same")
    func byALink() async throws {
        try await TestHost.with { host in
            let link = "\(host.home)-link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: host.home)
            defer { unlink(link) }
            try await host.deploy(["index.html": "1\n", "pmo-release.yml": TestHost.site])
            try await host.deploy(["index.html": "2\n"])
            try await host.deploy([
                "index.html": "3\n", "pmo-release.yml": "sites: { pmo.localhost: { root: ., body-size: 2M } }\n",
            ])
            for body in ["2\n", "3\n", "2\n"] {
                let back = try await host.run("pmo-release", ["rollback", "pmo", "--home", link])
                #expect(back.status == 0, "\(back)")
                #expect(try await host.get("/").body == body)
            }
        }
    }

    @Test(
        "Where something is mounted in it, nothing of it is touched",
        .enabled(if: geteuid() == 0, "mounting takes root"))
    func hasAMount() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "1\n", "pmo-release.yml": TestHost.site])
            let volume = "\(host.home)/pmo/shared/up loads"
            let script = "mkdir -p '\(volume)'; mount -t tmpfs none '\(volume)'; echo mine > '\(volume)/file'"
            #expect(try await host.run("sh", ["-euc", script]).status == 0)
            let refused = try await host.pmo("destroy", "pmo", "--confirm", "pmo")
            #expect(refused.status == 1 && refused.err.contains("hint: umount '\(volume)'"), "\(refused)")
            #expect(host.text("\(volume)/file") == "mine\n")
            #expect(try await host.get("/").body == "1\n")
            #expect(try await host.run("umount", [volume]).status == 0)
            #expect(try await host.pmo("destroy", "pmo", "--confirm", "pmo").status == 0)
            #expect(try leftovers(host) == [])
        }
    }

    @Test("G1: Killed before it is there, it is not; killed while it goes, it is gone; what is left is swept")
    func isKilled() async throws {
        try await TestHost.with { host in
            #expect(try await create(host, "shop", failing: "create.before-rename:kill").ended().status == 137)
            #expect(try await host.pmo("apps").out.contains("shop") == false)
            #expect(try leftovers(host).count == 1)
            let made = try await create(host, "shop").ended()
            #expect(made.status == 0, "\(made)")
            #expect(try leftovers(host) == [])

            try await host.deploy(["index.html": "1\n", "pmo-release.yml": TestHost.site])
            let destroyed = try await host.run(
                "pmo-release", ["destroy", "pmo", "--confirm", "pmo"],
                environment: ["PMO_FAIL": "destroy.after-rename:kill"])
            #expect(destroyed.status == 137, "\(destroyed)")
            #expect(try await host.pmo("apps").out.contains("pmo ") == false)
            #expect(try leftovers(host).count == 1)
            #expect(try await host.pmo("resume", "--all").status == 0)
            #expect(try leftovers(host) == [])
            #expect(try await create(host, "pmo").ended().status == 0)
            let again = try await host.push()
            #expect(again.status == 0, "\(again)")
            #expect(try await host.get("/").body == "1\n")
        }
    }
}
