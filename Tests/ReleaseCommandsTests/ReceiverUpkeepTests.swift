import Foundation
import Testing

@Suite("The receiver is kept in order", .timeLimit(.minutes(5)))
struct ReceiverUpkeepTests {
    @Test("References of many deploys are packed, and all of them stay")
    func packs() async throws {
        try await TestHost.with { host in
            let commit = try await host.deploy(["index.html": "first\n", "pmo-release.yml": TestHost.site])
            // What the first deploy does when it has told of its end.
            #expect(try await eventually { host.workers().isEmpty })
            let many = (100..<160).map { "create refs/pmo/deploys/\($0) \(commit)\n" }.joined()
            try await host.git("--git-dir", host.receiver, "update-ref", "--stdin", input: many)
            try await host.deploy(["index.html": "second\n"])
            let loose = "\(host.receiver)/refs/pmo/deploys"
            #expect(try await eventually { host.names(loose).isEmpty }, "\(host.names(loose))")
            let all = try await host.git("--git-dir", host.receiver, "for-each-ref", "--format=%(refname)", "refs/pmo")
            #expect(all.split(separator: "\n").count == 62)
            try await host.deploy(["index.html": "third\n"])
            #expect(host.names(loose) == ["3"])
        }
    }
}
