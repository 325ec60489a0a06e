import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("Export of a large tree, by several threads")
struct LargeExportTests {
    @Test("Is what git archive gives, each file reported once")
    func sameAsArchive() throws {
        try withScratch { scratch in
            let commit = try scratch.largeCommit(manyFiles(5_000, directories: 800))
            let target = try scratch.makeDirectory("target")
            var lines: [[UInt8]] = []
            let summary = try target.withDirectory { directory in
                try scratch.open().export(commit, into: directory) { entry in
                    lines.append(Array("\(String(entry.mode, radix: 8)) blob \(entry.blob)\t".utf8) + entry.path)
                }
            }
            #expect(summary.files == 5_000 && summary.directories == 820)
            #expect(try scratch.listing(target) == scratch.listing(scratch.archived(commit)))
            let listed = try scratch.run(
                ["git", "--git-dir", scratch.repository.string, "ls-tree", "-r", "-z", commit.text])
            let sorted = { (lines: [[UInt8]]) in lines.sorted { $0.lexicographicallyPrecedes($1) } }
            #expect(sorted(lines) == sorted(listed.split(separator: 0).map(Array.init)))
        }
    }

    @Test("Calls the index from one thread at a time")
    func index() throws {
        try withScratch { scratch in
            let commit = try scratch.largeCommit(manyFiles(1_000, directories: 50))
            let target = try scratch.makeDirectory("target")
            var isInside = false
            var overlaps = 0
            var calls = 0
            _ = try target.withDirectory { directory in
                try scratch.open().export(commit, into: directory) { _ in
                    overlaps += isInside ? 1 : 0
                    isInside = true
                    usleep(20)
                    calls += 1
                    isInside = false
                }
            }
            #expect(overlaps == 0 && calls == 1_000)
        }
    }

    @Test("Needs few descriptors for 800 directories")
    func descriptors() async {
        await #expect(processExitsWith: .success) {
            try withScratch { scratch in
                let commit = try scratch.largeCommit(manyFiles(5_000, directories: 800))
                let target = try scratch.makeDirectory("target")
                try target.withDirectory { directory in
                    let repository = try scratch.open()
                    let before = FilePath("/proc/self/fd").names.count
                    // Each thread has 12 slices in the queue, and a pack and a file open.
                    let most = 16 + WorkerThread.useful * 15
                    var limit = rlimit(rlim_cur: rlim_t(before + most), rlim_max: rlim_t(before + most))
                    #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
                    var peak = 0
                    var calls = 0
                    _ = try repository.export(commit, into: directory) { _ in
                        calls += 1
                        if calls % 50 == 0 { peak = max(peak, FilePath("/proc/self/fd").names.count) }
                    }
                    #expect(peak > before && peak <= before + most)
                }
            }
        }
    }

    @Test("Ends with the path where a thread cannot write, and stops the others")
    func fullDisk() throws {
        try withScratch { scratch in
            let commit = try scratch.largeCommit(manyFiles(3_000, directories: 100))
            let target = try scratch.makeDirectory("target")
            try scratch.run(["mount", "-t", "tmpfs", "-o", "size=1m", "pmo-test", target.string])
            defer { _ = try? scratch.run(["umount", target.string]) }
            var reported: Set<[UInt8]> = []
            let error = try #require(throws: GitError.self) {
                try target.withDirectory { directory in
                    try scratch.open().export(commit, into: directory) { reported.insert($0.path) }
                }
            }
            guard case .system(ENOSPC, _, let path) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(path.starts(with: Array("d".utf8)) && !reported.contains(path))
            #expect(!reported.isEmpty && reported.count < 3_000)
        }
    }

    @Test("Ends with the index's error, whichever thread it came from")
    func indexFails() throws {
        struct Full: Error {}
        try withScratch { scratch in
            let commit = try scratch.largeCommit(manyFiles(3_000, directories: 100))
            let target = try scratch.makeDirectory("target")
            var calls = 0
            let error = try #require(throws: GitError.self) {
                try target.withDirectory { directory in
                    try scratch.open().export(commit, into: directory) { _ in
                        calls += 1
                        if calls >= 1_000 { throw Full() }
                    }
                }
            }
            guard case .index(let cause) = error, cause is Full else {
                Issue.record("\(error)")
                return
            }
            #expect(calls < 1_000 + 2 * WorkerThread.useful)
        }
    }

    @Test("Refuses a tree of which one blob is missing, before anything is written (A16)")
    func missing() throws {
        try withScratch { scratch in
            let lost = try scratch.blob(Array("lost".utf8))
            var files = (0..<400).map { Planted.file("f\(1_000 + $0)") }
            files[300] = .file("f1300", "lost")
            let commit = try scratch.commit(files)
            unlink(scratch.repository.appending("objects/\(lost.prefix(2))/\(lost.dropFirst(2))").string)
            let target = try scratch.makeDirectory("target")
            let error = try #require(throws: GitError.self) {
                try target.withDirectory { try scratch.open().export(commit, into: $0) { _ in } }
            }
            #expect(error.refusal?.rule == .corrupt && error.refusal?.path == Array("f1300".utf8))
            #expect(target.names == [])
        }
    }

    @Test("Does not take a damaged blob for a whole one (A16)")
    func damaged() throws {
        try withScratch { scratch in
            try scratch.git("config", "core.compression", "0")
            var files = manyFiles(400, directories: 10)
            let marked = "a text that stands in the pack as it is: MARK\n"
            files[50] = (files[50].path, marked)
            let commit = try scratch.largeCommit(files)
            let packs = scratch.repository.appending("objects/pack")
            let name = try #require(packs.names.first { $0.hasSuffix(".pack") })
            let pack = URL(fileURLWithPath: packs.appending(name).string)
            var bytes = try Data(contentsOf: pack)
            let found = try #require(bytes.range(of: Data("as it is: MARK".utf8)))
            bytes[found.upperBound - 1] ^= 1
            chmod(pack.path, 0o644)
            try bytes.write(to: pack)
            let target = try scratch.makeDirectory("target")
            let error = try #require(throws: GitError.self) {
                try target.withDirectory { try scratch.open().export(commit, into: $0) { _ in } }
            }
            #expect(error.description.contains(files[50].path))
        }
    }
}
