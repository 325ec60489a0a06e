import Foundation
import Testing

@Suite("pmo-release without a host", .serialized, .timeLimit(.minutes(20)))
struct HostlessCommandTests {
    private func run(_ arguments: String..., directory: String = "/") async throws -> Ended {
        try await Subprocess(
            Programs.release, arguments, environment: ["PATH": Programs.path, "PMO_HOME": "/tmp/pmo-nowhere"],
            directory: directory, input: ""
        ).ended(within: .seconds(30))
    }

    @Test("checks a work tree, and says what is wrong by file and line")
    func checks() async throws {
        let well = try await run("check", Programs.package + "/examples/pmo")
        #expect(well.status == 0 && well.out.hasSuffix("ok\n"), "\(well)")
        #expect(well.out.contains("service    api × 2: node server.js") && well.out.contains("requires   JWT_SECRET"))
        #expect(try await run("check", Programs.package + "/examples/pmo", "--json").out.hasPrefix("{"))

        let place = "/tmp/pmo-check-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        try "app: pmo\nkeep: many\nservces: {}\n".write(
            toFile: place + "/pmo-release.yml", atomically: true, encoding: .utf8)
        let wrong = try await run("check", directory: place)
        #expect(wrong.status == 3, "\(wrong)")
        #expect(wrong.err.contains("pmo-release.yml:2:") && wrong.err.contains("pmo-release.yml:3:"), "\(wrong)")
        #expect(wrong.err.contains("servces") && !wrong.err.contains("pmo-release check"), "\(wrong)")

        try "sites: { pmo.localhost: { root: . } }\nenvironments: { staging: { keep: 2 } }\n".write(
            toFile: place + "/pmo-release.yml", atomically: true, encoding: .utf8)
        #expect(try await run("check", "--environment", "staging", directory: place).status == 0)
        let unknown = try await run("check", "--environment", "stagin", directory: place)
        let sentence = "there is no environment “stagin” in the manifest; there is: staging"
        #expect(unknown.status == 3 && unknown.err.contains(sentence), "\(unknown)")
    }

    @Test("prints completions, its version and its help; a word that is none is a usage error")
    func helps() async throws {
        for shell in ["bash", "zsh", "fish"] {
            let script = try await run("completions", shell)
            #expect(script.status == 0 && script.out.contains("pmo-release"), "\(shell)")
        }
        #expect(try await run("completions", "tcsh").status == 64)
        #expect(try await run("--version").status == 0)
        #expect(try await run("--help").out.contains("rollback"))
        let unknown = try await run("rolback")
        #expect(unknown.status == 64 && unknown.err.hasPrefix("pmo-release: error: "), "\(unknown)")
        let nowhere = try await run("list")
        #expect(nowhere.status == 3 && nowhere.err.contains("there is no app in /tmp/pmo-nowhere"), "\(nowhere)")
    }
}
