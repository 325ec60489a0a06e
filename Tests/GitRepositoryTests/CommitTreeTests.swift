import ReleaseModel
import Testing

@testable import GitRepository

@Suite("The tree of a commit")
struct CommitTreeTests {
    private static let entries: [Planted] = [
        .file("b.txt", "hello"), .file("Procfile", "web: run"),
        .directory("d", [.file("deep", "deep"), .link("up", to: "../b.txt"), .link("out", to: "../../etc/passwd")]),
        .link("also", to: "d"), .link("chain", to: "also/up"), .link("loop", to: "loop"),
        .link("absolute", to: "/etc/passwd"),
        .file("z", String(repeating: "z", count: 2 << 20)),
    ]

    @Test(
        "Says what exists",
        arguments: ["b.txt", "d", "d/deep", "./d//deep", "also", "also/deep", "chain", "d/../b.txt"])
    func exists(_ path: String) throws {
        try withScratch { scratch in
            let tree = try scratch.open().tree(of: scratch.commit(Self.entries))
            #expect(tree.exists(path))
        }
    }

    @Test(
        "Says what does not",
        arguments: [
            "a", "B.TXT", "d/x", "b.txt/x", "loop", "absolute", "d/out", "..", "../b.txt", "/b.txt", "d/../../b.txt",
            "b.tx",
        ])
    func doesNotExist(_ path: String) throws {
        try withScratch { scratch in
            let tree = try scratch.open().tree(of: scratch.commit(Self.entries))
            #expect(!tree.exists(path))
            #expect(tree.contents(path) == nil)
        }
    }

    @Test("Reads files, through symlinks inside the tree too, 1 MiB at most")
    func contents() throws {
        try withScratch { scratch in
            let tree = try scratch.open().tree(of: scratch.commit(Self.entries))
            #expect(tree.contents("b.txt") == Array("hello".utf8))
            #expect(tree.contents("chain") == Array("hello".utf8))
            #expect(tree.contents("also/deep") == Array("deep".utf8))
            #expect(tree.contents("d") == nil)
            #expect(tree.contents("z")?.count == 1 << 20)
        }
    }

    @Test("Lists the root, sorted by bytes")
    func rootNames() throws {
        try withScratch { scratch in
            let tree = try scratch.open().tree(of: scratch.commit(Self.entries))
            #expect(tree.rootNames() == ["Procfile", "absolute", "also", "b.txt", "chain", "d", "loop", "z"])
            #expect(tree.entryCount == 8)
            #expect(try scratch.open().tree(of: scratch.commit([])).entryCount == 0)
        }
    }

    @Test("Stays readable when nothing else holds the repository")
    func outlives() throws {
        try withScratch { scratch in
            let commit = try scratch.commit(Self.entries)
            let tree = try { try scratch.open().tree(of: commit) }()
            #expect(tree.contents("b.txt") == Array("hello".utf8))
        }
    }
}
