import Foundation
import Testing

@Suite("Shared paths that a service has changed", .serialized, .timeLimit(.minutes(10)))
struct SharedPathTests {
    private func manifest(_ shared: String) -> String {
        "sites: { pmo.localhost: { root: . } }\nshared: [\(shared)]\nbake: 0s\n"
    }

    @Test("A37: a link that it has put into shared/ leads no deploy elsewhere, and the push says so")
    func linkOnTheWay() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(["index.html": "one\n", "pmo-release.yml": manifest("uploads")])
            let shared = "\(host.home)/pmo/shared"
            try FileManager.default.createDirectory(atPath: "\(host.root)/other", withIntermediateDirectories: true)
            try FileManager.default.removeItem(atPath: "\(shared)/uploads")
            try FileManager.default.createSymbolicLink(
                atPath: "\(shared)/uploads", withDestinationPath: "\(host.root)/other")
            try host.write([
                "pmo-release.yml": manifest("uploads/user/service.d"), "uploads/user/service.d/x.conf": "[Service]\n",
            ])
            try await host.commit("two")
            let refused = try await host.push()
            #expect(refused.status == 1 && refused.all.contains("in its way in shared/"), "\(refused)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(host.root)/other") == [])
            #expect(host.live() == first)
        }
    }

    @Test("A link that leads nowhere now is left as it is, and what the tree has there is not moved behind it")
    func danglingLink() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "one\n", "pmo-release.yml": manifest("uploads")])
            let link = "\(host.home)/pmo/shared/media"
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: "\(host.root)/not-mounted")
            let commit = try await host.deploy([
                "pmo-release.yml": manifest("uploads, media"), "media/a.txt": "a\n",
            ])
            #expect(host.live() == commit)
            #expect(
                try FileManager.default.destinationOfSymbolicLink(atPath: link) == "\(host.root)/not-mounted")
            #expect(!FileManager.default.fileExists(atPath: "\(host.root)/not-mounted"))
        }
    }
}
