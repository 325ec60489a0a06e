import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("Tree policy")
struct TreePolicyTests {
    @Test("Refuses a hostile tree before a byte is written (A01–A09)", arguments: HostileTree.all)
    func refuses(_ hostile: HostileTree) throws {
        try withScratch { scratch in
            let commit = try scratch.commit(hostile.entries)
            let repository = try scratch.open()
            let error = try #require(throws: GitError.self) { try repository.inspect(commit) }
            #expect(error.refusal?.rule == hostile.rule, "\(error)")
            #expect(error.outcome == .refused)
            #expect(!error.description.unicodeScalars.contains { $0.properties.generalCategory == .control })
            try expectNothingWritten(repository, commit, in: scratch)
        }
    }

    private func expectNothingWritten(_ repository: GitRepository, _ commit: CommitID, in scratch: Scratch) throws {
        let target = try scratch.makeDirectory("target")
        try target.withDirectory { directory in
            _ = #expect(throws: GitError.self) {
                try repository.export(commit, into: directory) { _ in Issue.record("something was written") }
            }
        }
        #expect(target.names == [])
        #expect(!FilePath(scratch.root.string).names.contains("x"))
    }

    @Test("Has at least 80 hostile trees (G11)")
    func count() { #expect(HostileTree.all.count >= 80) }

    @Test(
        "Lets a name pass that only looks like a reserved one (A01, A03)",
        arguments: [
            ".gitignore", ".gitattributes", ".github", "git", ".gitx", "x.git", ".git-", "..git", "git~", "git~0",
            "gitx1",
            ".pmorc", "pmo", "...", "..a", ".a.", "a..b", "B::Deparse.3", "::", "é:x", "-rf", "C", " ", "~", "CON",
            "aux.txt",
        ])
    func allows(_ name: String) throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.directory("d", [.file(name)]), .file("e\(name)")])
            #expect(try scratch.open().inspect(commit).files == 2)
        }
    }

    @Test("Lets `.pmo` pass below the root")
    func privateNameBelow() throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.directory("docs", [.directory(".pmo", [.file("a")])])])
            #expect(try scratch.open().inspect(commit).files == 1)
        }
    }

    @Test(
        "Lets a symlink pass that stays in the tree, dangling or in a circle too (A04, A06)",
        arguments: [
            "a", "./a", "..", "../a", "../.", "../e/f/g", "missing", "l", ".", "..a", "a..", "...", "b\\c", "a//b/",
        ])
    func allowsLink(_ target: String) throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.directory("d", [.link("l", to: target)])])
            #expect(try scratch.open().inspect(commit).symlinks == 1)
        }
    }

    @Test("Lets the longest name, the longest path and the greatest depth pass (A09)")
    func limits() throws {
        try withScratch { scratch in
            let name = String(repeating: "n", count: 255)
            let commit = try scratch.commit([.file(name), .directory("d", [Planted.file("a").nested(126)])])
            let summary = try scratch.open().inspect(commit)
            #expect(summary == TreeSummary(files: 2, directories: 127, bytes: 2))
            let long = try scratch.commit([HostileTree.path(of: 4096)])
            #expect(try scratch.open().inspect(long).files == 1)
        }
    }

    @Test("Names the path that breaks the rule, escaped")
    func path() throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.directory("a", [.directory("b\u{1b}[2J", [.file(".GIT")])])])
            let error = try #require(throws: GitError.self) { try scratch.open().inspect(commit) }
            #expect(error.refusal?.path == Array("a/b\u{1b}[2J/.GIT".utf8))
            #expect(error.description == "“a/b\\x1b[2J/.GIT” is a spelling of “.git”")
            #expect(error.hint == "git rm -r --cached -- 'a/b\\x1b[2J/.GIT'")
        }
    }

    @Test("Judges a tree at every place where it is used")
    func everyPlace() throws {
        try withScratch { scratch in
            // The same tree, fine two levels down, is refused one level down.
            let tree = try scratch.tree([.link("l", to: "../../x")])
            let entry = Planted.entry("t", mode: "40000", id: tree)
            let fine = try scratch.commit([.directory("d", [entry])])
            #expect(try scratch.open().inspect(fine).symlinks == 1)
            let refused = try scratch.commit([.directory("d", [entry]), entry])
            let error = try #require(throws: GitError.self) { try scratch.open().inspect(refused) }
            #expect(error.refusal?.path == Array("t/l".utf8))
        }
    }

    @Test("Counts files, directories, symlinks, bytes and pointers of Git LFS")
    func summary() throws {
        try withScratch { scratch in
            let pointer = """
                version https://git-lfs.github.com/spec/v1
                oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
                size 12345

                """
            let commit = try scratch.commit([
                .file("a", "12345"), .file("b.png", pointer),
                .directory("d", [.file("c", ""), .link("l", to: "../a")]),
                .directory("e", []), .file("not-a-pointer", String(repeating: "v", count: 150)),
            ])
            #expect(
                try scratch.open().inspect(commit)
                    == TreeSummary(
                        files: 4, directories: 1, symlinks: 1, bytes: 155 + pointer.utf8.count, lfsPointers: 1))
        }
    }

    @Test(
        "Normalises permissions instead of taking them over (A08)",
        arguments: ["104755", "102755", "101777", "100777", "100664", "100600", "0100644", "100700"])
    func normalises(_ mode: String) throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.file("a", mode: mode)])
            #expect(try scratch.open().inspect(commit).files == 1)
            let target = try scratch.makeDirectory("target")
            var modes: [Int] = []
            _ = try target.withDirectory { try scratch.open().export(commit, into: $0) { modes.append($0.mode) } }
            let isExecutable = (Int(mode, radix: 8) ?? 0) & 0o100 != 0
            #expect(modes == [isExecutable ? 0o100755 : 0o100644])
            let listed = try scratch.run(["stat", "-c", "%a", "a"], in: target)
            #expect(String(decoding: listed, as: UTF8.self) == (isExecutable ? "755\n" : "644\n"))
        }
    }
}
