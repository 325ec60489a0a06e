import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("Export of blobs that are too large to be held", .timeLimit(.minutes(10)))
struct LargeBlobTests {
    private static let size = 300 << 20

    @Test("Needs a few MB for 300 MB in a pack")
    func packed() async {
        await #expect(processExitsWith: .success) { try Self.expectLittleMemory(isPacked: true) }
    }

    @Test("Needs a few MB for 300 MB in a loose object")
    func loose() async {
        await #expect(processExitsWith: .success) { try Self.expectLittleMemory(isPacked: false) }
    }

    private static func expectLittleMemory(isPacked: Bool) throws {
        try withScratch { scratch in
            let commit = try scratch.largeBlob(size, isPacked: isPacked)
            let target = try scratch.makeDirectory("target")
            let peak = try MemoryPeak.during {
                let repository = try scratch.open()
                _ = try target.withDirectory { try repository.export(commit, into: $0) { _ in } }
            }
            #expect(peak < 16 << 20, "\(peak >> 10) KiB")
            try scratch.run(["cmp", scratch.root.appending("large").string, target.appending("large").string])
            #expect(try scratch.treeID(of: target) == scratch.git("rev-parse", "\(commit)^{tree}"))
        }
    }

    @Test("Needs a few MB where they are deltas of each other")
    func deltas() async {
        await #expect(processExitsWith: .success) {
            try withScratch { scratch in
                let make = "seq 1 9000000 | head -c 50000000 > 1; (cat 1; echo 2) > 2; (echo 3; cat 2) > 3"
                try scratch.run(["sh", "-c", make])
                let files = try ["1", "2", "3"].map { name in
                    let id = try scratch.git("hash-object", "-w", scratch.root.appending(name).string)
                    return Planted.entry(name, mode: "100644", id: id)
                }
                let commit = try scratch.commit(files)
                try scratch.pack(commit)
                let packs = scratch.repository.appending("objects/pack")
                let index = try #require(packs.names.first { $0.hasSuffix(".idx") })
                #expect(
                    try scratch.git("verify-pack", "-v", packs.appending(index).string).contains("chain length = 2"))
                let target = try scratch.makeDirectory("target")
                let peak = try MemoryPeak.during {
                    let repository = try scratch.open()
                    _ = try target.withDirectory { try repository.export(commit, into: $0) { _ in } }
                }
                #expect(peak < 16 << 20, "\(peak >> 10) KiB")
                #expect(try scratch.treeID(of: target) == scratch.git("rev-parse", "\(commit)^{tree}"))
            }
        }
    }

    @Test("Fails with the path where one is damaged (A16)", arguments: [true, false])
    func damaged(_ isPacked: Bool) throws {
        try withScratch { scratch in
            let commit = try scratch.largeBlob(20 << 20, isPacked: isPacked)
            let id = try scratch.git("rev-parse", "\(commit):large")
            let objects = scratch.repository.appending("objects")
            let file =
                try isPacked
                ? objects.appending("pack").appending(
                    #require(objects.appending("pack").names.first { $0.hasSuffix(".pack") }))
                : objects.appending(String(id.prefix(2))).appending(String(id.dropFirst(2)))
            let path = URL(fileURLWithPath: file.string)
            var bytes = try Data(contentsOf: path)
            bytes[bytes.count - 3000] ^= 1
            try bytes.write(to: path, options: .atomic)
            let target = try scratch.makeDirectory("target")
            let error = try #require(throws: GitError.self) {
                try target.withDirectory { try scratch.open().export(commit, into: $0) { _ in } }
            }
            #expect(error.description.contains("large"), "\(error)")
        }
    }
}

/// How much more memory of its own the process has while something runs; mapped files do not count.
struct MemoryPeak: ~Copyable {
    private final class Sampler: @unchecked Sendable {
        private let monitor = Monitor()
        private var peak = 0
        private var isOver = false

        /// Whether to go on.
        func sample() -> Bool {
            let now = MemoryPeak.now
            return monitor.locked {
                peak = max(peak, now)
                return !isOver
            }
        }

        func end() -> Int {
            monitor.locked {
                isOver = true
                return peak
            }
        }
    }

    /// Bytes more than before.
    static func during(_ body: () throws -> Void) throws -> Int {
        let before = now
        let sampler = Sampler()
        let thread = WorkerThread.start {
            while sampler.sample() { usleep(2000) }
        }
        defer {
            _ = sampler.end()
            thread?.join()
        }
        try body()
        _ = sampler.sample()
        return sampler.end() - before
    }

    /// Bytes of `RssAnon` (proc_pid_status(5)).
    static var now: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") } ?? ""
        return (line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0)
            << 10
    }
}

extension Scratch {
    /// A commit of one file of many bytes, `large`, which also stands in the scratch directory.
    fileprivate func largeBlob(_ size: Int, isPacked: Bool) throws -> CommitID {
        try run(["sh", "-c", "seq 1 50000000 | head -c \(size) > large"])
        let id = try git("-c", "core.compression=1", "hash-object", "-w", root.appending("large").string)
        let commit = try commit([.entry("large", mode: "100644", id: id), .file("small")])
        if isPacked { try pack(commit) }
        return commit
    }

    fileprivate func pack(_ commit: CommitID) throws {
        try git("update-ref", "refs/heads/main", commit.text)
        try git("-c", "core.compression=1", "-c", "core.bigFileThreshold=100m", "repack", "-adq")
    }
}
