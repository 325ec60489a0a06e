import Foundation
import Glibc
import Testing

@Suite("A host that cannot", .serialized, .timeLimit(.minutes(20)))
struct RefusedHostTests {
    @Test(
        "F15: with too little room, a push is refused with figures and leaves nothing",
        .enabled(if: geteuid() == 0, "mounting a small disk takes root"),
        arguments: [
            ("size=60m,nr_inodes=20000", "not enough disk space on ", " left"),
            ("size=200m,nr_inodes=900", "not enough inodes on ", " left"),
        ])
    func refusesWithoutRoom(disk: String, sentence: String, figures: String) async throws {
        try await TestHost.with(disk: disk) { host in
            try host.write(["index.html": "too much\n"])
            try await host.commit("Too much")
            let before = try await host.snapshot()
            let pushed = try await host.push()
            #expect(pushed.status == 1, "\(pushed)")
            #expect(pushed.remote.contains { $0.contains(sentence) && $0.contains(figures) }, "\(pushed)")
            #expect(pushed.remote.contains { $0.hasPrefix("hint: pmo-release prune") }, "\(pushed)")
            #expect(try await host.snapshot() == before)
        }
    }

    @Test("F21: a home that cannot be written is refused, and so is a port that is taken")
    func refusesTheHome() async throws {
        try await TestHost.with { host in
            let file = "\(host.root)/file"
            try Data("no directory".utf8).write(to: URL(fileURLWithPath: file))
            let below = try await host.pmo(
                "create", "other", "--home", "\(file)/home", "--listen", "127.0.0.1:0", "--supervisor", "runit")
            #expect(below.status != 0 && below.err.contains("hint: "), "\(below)")
            let taken = try await host.pmo(
                "create", "other", "--home", "\(host.root)/second", "--listen", "127.0.0.1:\(host.port)",
                "--supervisor", "runit")
            // nginx of the first home has it only once a site is live.
            #expect(taken.status == 0, "\(taken)")
            try await host.deploy(["index.html": "taken\n"])
            let refused = try await host.pmo(
                "create", "third", "--home", "\(host.root)/third", "--listen", "127.0.0.1:\(host.port)",
                "--supervisor", "runit")
            #expect(refused.status == 3, "\(refused)")
            #expect(refused.err.contains("port \(host.port) is taken by nginx"), "\(refused)")
            #expect(refused.err.contains("hint: --listen"), "\(refused)")
            #expect(access("\(host.root)/third", F_OK) != 0, "a refused create leaves nothing behind")
        }
    }
}
