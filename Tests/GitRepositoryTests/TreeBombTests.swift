import ReleaseModel
import Testing

@testable import GitRepository

/// A bomb that was walked would take hours.
@Suite("Tree bombs (A13) and damage (A16)", .timeLimit(.minutes(5)))
struct TreeBombTests {
    @Test("Refuses 10^10 to 2^120 paths without walking them", arguments: [(10, 10), (128, 10), (2, 60), (2, 120)])
    func bomb(_ width: Int, _ levels: Int) throws {
        try withScratch { scratch in
            var tree = try scratch.tree([.file("f", "bomb")])
            for _ in 0..<levels {
                tree = try scratch.tree((0..<width).map { .entry("d\(1000 + $0)", mode: "40000", id: tree) })
            }
            try expectRefusal(scratch, scratch.commit(tree: tree), .size)
        }
    }

    @Test("Refuses a bomb of empty directories")
    func emptyDirectories() throws {
        try withScratch { scratch in
            var tree = try scratch.tree([])
            for _ in 0..<10 {
                tree = try scratch.tree((0..<10).map { .entry("d\($0)", mode: "40000", id: tree) })
            }
            try expectRefusal(scratch, scratch.commit(tree: tree), .size)
        }
    }

    @Test("Refuses one flat tree of 600,000 entries")
    func flat() throws {
        try withScratch { scratch in
            let blob = try scratch.blob([120])
            let lines = (0..<600_000).map { "100644 blob \(blob)\t\($0 + 1_000_000)\n" }.joined()
            let tree = try scratch.git("mktree", input: Array(lines.utf8))
            try expectRefusal(scratch, scratch.commit(tree: tree), .size)
        }
    }

    @Test("Refuses too many bytes, counted at every place of one blob")
    func bytes() throws {
        try withScratch { scratch in
            let files = (0..<100).map { Planted.file("f\($0 + 100)", String(repeating: "x", count: 1000)) }
            let commit = try scratch.commit(files)
            let repository = try scratch.open()
            #expect(try repository.inspect(commit, policy: TreePolicy(bytes: 100_000)).bytes == 100_000)
            let error = try #require(throws: GitError.self) {
                try repository.inspect(commit, policy: TreePolicy(bytes: 99_999))
            }
            #expect(error.refusal?.rule == .size)
        }
    }

    @Test("Refuses one file that is too large, and names it")
    func largestFile() throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.file("small", "x"), .directory("d", [.file("large", "12345")])])
            let error = try #require(throws: GitError.self) {
                try scratch.open().inspect(commit, policy: TreePolicy(largestFile: 4))
            }
            #expect(error.description == "“d/large” has 5 bytes; 4 are allowed")
        }
    }

    @Test("Counts entries exactly")
    func entries() throws {
        try withScratch { scratch in
            let shared = try scratch.tree([.file("a"), .file("b")])
            let commit = try scratch.commit([
                .entry("x", mode: "40000", id: shared), .entry("y", mode: "40000", id: shared), .file("z"),
            ])
            let repository = try scratch.open()
            #expect(try repository.inspect(commit, policy: TreePolicy(entries: 7)).entries == 7)
            #expect(throws: GitError.self) { try repository.inspect(commit, policy: TreePolicy(entries: 6)) }
        }
    }

    /// A way to damage what a commit holds.
    enum Damage: String, CaseIterable {
        case missingBlob, missingTree, missingRoot, blobAsTree, treeAsBlob, treeAsLink, commitAsBlob
        case cutShort, noMode, noSpace, decimalMode, longMode, noName
    }

    @Test("Refuses damage before a byte is written (A16)", arguments: Damage.allCases)
    func damage(_ damage: Damage) throws {
        try withScratch { scratch in
            let commit = try plant(damage, in: scratch)
            let repository = try scratch.open()
            let error = try #require(throws: GitError.self) { try repository.inspect(commit) }
            #expect(error.hint?.hasPrefix("git fsck --full") == true, "\(error)")
            let target = try scratch.makeDirectory("target")
            try target.withDirectory { directory in
                _ = #expect(throws: GitError.self) { try repository.export(commit, into: directory) { _ in } }
            }
            #expect(target.names == [])
        }
    }

    private func plant(_ damage: Damage, in scratch: Scratch) throws -> CommitID {
        let missing = String(repeating: "1", count: 40)
        let raw: (String) throws -> CommitID = { text in
            try scratch.commit(tree: scratch.rawTree(Array(text.utf8)))
        }
        func entry(_ mode: String, _ id: String) throws -> CommitID {
            try scratch.commit([.file("a"), .entry("b", mode: mode, id: id)])
        }
        switch damage {
        case .missingBlob: return try entry("100644", missing)
        case .missingTree: return try entry("40000", missing)
        case .missingRoot: return try commitWithoutTree(in: scratch)
        case .blobAsTree: return try entry("40000", scratch.blob([120]))
        case .treeAsBlob: return try entry("100644", scratch.tree([.file("x")]))
        case .treeAsLink: return try entry("120000", scratch.tree([.file("x")]))
        case .commitAsBlob: return try entry("100755", scratch.commit([.file("x")]).text)
        case .cutShort: return try raw("100644 a\0" + String(repeating: "i", count: 19))
        case .noMode: return try raw(" a\0" + String(repeating: "i", count: 20))
        case .noSpace: return try raw("100644a\0" + String(repeating: "i", count: 20))
        case .decimalMode: return try raw("100684 a\0" + String(repeating: "i", count: 20))
        case .longMode: return try raw("000000100644 a\0" + String(repeating: "i", count: 20))
        case .noName: return try raw("100644 a")
        }
    }

    private func commitWithoutTree(in scratch: Scratch) throws -> CommitID {
        let text = """
            tree \(String(repeating: "1", count: 40))
            author A <a@example.org> 1700000000 +0000
            committer A <a@example.org> 1700000000 +0000

            subject

            """
        return try CommitID(
            scratch.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", input: Array(text.utf8)))
    }

    private func expectRefusal(_ scratch: Scratch, _ commit: CommitID, _ rule: TreeRule) throws {
        let repository = try scratch.open()
        let error = try #require(throws: GitError.self) { try repository.inspect(commit) }
        #expect(error.refusal?.rule == rule)
    }
}
