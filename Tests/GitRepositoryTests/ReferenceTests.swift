import Foundation
import Glibc
import ReleaseModel
import Synchronization
import SystemPackage
import Testing

@testable import GitRepository

@Suite("References")
struct ReferenceTests {
    @Test("Reads references, tags and HEAD; nil where there is none")
    func reads() throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.file("a")])
            let repository = try scratch.open()
            #expect(try repository.commitID(of: "refs/heads/main") == nil)
            #expect(try repository.commitID(of: "HEAD") == nil)
            try scratch.git("update-ref", "refs/heads/main", commit.text)
            try scratch.git("tag", "--annotate", "--message=x", "v1", commit.text)
            try scratch.git("update-ref", "refs/other/blob", scratch.blob([1]))
            for name in ["refs/heads/main", "HEAD", "refs/tags/v1"] {
                #expect(try repository.commitID(of: name) == commit)
            }
            try scratch.git("pack-refs", "--all")
            #expect(try repository.commitID(of: "refs/tags/v1") == commit)
            #expect(throws: GitError.self) { try repository.commitID(of: "refs/other/blob") }
            #expect(throws: GitError.self) { try repository.commitID(of: "refs/heads/..") }
        }
    }

    @Test("A lock that a killed process has left is removed, and one that somebody uses is not (F39)")
    func staleLock() async throws {
        try withScratch { scratch in
            let commits = try ["1", "2"].map { try scratch.commit([.file("a")], message: $0) }
            let repository = try scratch.open()
            let main = "refs/heads/main"
            let lock = scratch.repository.appending(main + ".lock").string
            try repository.setReference(main, to: commits[0])
            #expect(FileManager.default.createFile(atPath: lock, contents: nil))
            try repository.setReference(main, to: commits[1])
            #expect(try repository.commitID(of: main) == commits[1])
            #expect(!FileManager.default.fileExists(atPath: lock))

            let isOver = Mutex(false)
            let other = Thread {
                while !isOver.withLock({ $0 }) {
                    let next = lock + ".next"
                    FileManager.default.createFile(atPath: next, contents: nil)
                    rename(next, lock)
                    usleep(50_000)
                }
            }
            FileManager.default.createFile(atPath: lock, contents: nil)
            other.start()
            #expect(throws: GitError.self) { try repository.setReference(main, to: commits[0]) }
            isOver.withLock { $0 = true }
            #expect(try repository.commitID(of: main) == commits[1])
        }
    }

    @Test("Moves a reference only from where it is expected")
    func compareAndSwap() throws {
        try withScratch { scratch in
            let commits = try ["1", "2", "3"].map { try scratch.commit([.file("a")], message: $0) }
            let repository = try scratch.open()
            let main = "refs/heads/main"
            try repository.setReference(main, to: commits[0], expecting: nil)
            try repository.setReference(main, to: commits[1], expecting: commits[0])
            for expected in [commits[0], commits[2], nil] {
                let error = try #require(throws: GitError.self) {
                    try repository.setReference(main, to: commits[2], expecting: expected)
                }
                guard case .referenceMoved(main, expected, commits[1]) = error else { throw error }
            }
            #expect(throws: GitError.self) {
                try repository.setReference("refs/heads/new", to: commits[0], expecting: commits[1])
            }
            #expect(try scratch.git("for-each-ref", "--format=%(refname) %(objectname)") == "\(main) \(commits[1])")
            try scratch.git("pack-refs", "--all")
            #expect(throws: GitError.self) { try repository.setReference(main, to: commits[2], expecting: nil) }
            try repository.setReference(main, to: commits[2], expecting: commits[1])
            #expect(try scratch.git("rev-parse", main) == commits[2].text)
        }
    }

    @Test("Lets one of many win that make the same reference at once")
    func race() async throws {
        let winners = try await inScratch { root, repository, commits in
            await withTaskGroup(of: Bool.self) { group in
                for commit in commits {
                    group.addTask {
                        let opened = try? GitRepository(opening: repository)
                        return (try? opened?.setReference("refs/heads/main", to: commit, expecting: nil)) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
        }
        #expect(winners == 1)
    }

    private func inScratch(
        _ body: (FilePath, FilePath, [CommitID]) async throws -> Int
    ) async throws -> Int {
        let scratch = try Scratch.make()
        defer { scratch.remove() }
        let commits = try (0..<16).map { try scratch.commit([.file("a")], message: "\($0)") }
        return try await body(scratch.root, scratch.repository, commits)
    }

    @Test("Sets and deletes unconditionally, and logs branches without a configured user")
    func unconditional() throws {
        try withScratch { scratch in
            try scratch.git("config", "core.logAllRefUpdates", "true")
            let commits = try ["1", "2"].map { try scratch.commit([.file("a")], message: $0) }
            let repository = try scratch.open()
            for commit in commits {
                try repository.setReference("refs/pmo/releases/1", to: commit)
                try repository.setReference("refs/heads/main", to: commit)
                #expect(try repository.commitID(of: "refs/pmo/releases/1") == commit)
            }
            let log = try scratch.git("log", "--walk-reflogs", "--format=%gn %ge %gs", "refs/heads/main")
            let line = "pmo-release pmo-release@localhost pmo-release: deploy"
            #expect(log == "\(line)\n\(line)")
            try repository.deleteReference("refs/pmo/releases/1")
            try repository.deleteReference("refs/pmo/releases/1")
            #expect(try scratch.git("for-each-ref", "--format=%(refname)") == "refs/heads/main")
        }
    }

    @Test("Points no reference at what is not there")
    func unknownTarget() throws {
        try withScratch { scratch in
            let unknown = try CommitID(String(repeating: "5", count: 40))
            #expect(throws: GitError.self) { try scratch.open().setReference("refs/heads/main", to: unknown) }
            #expect(try scratch.open().commitID(of: "refs/heads/main") == nil)
        }
    }
}
