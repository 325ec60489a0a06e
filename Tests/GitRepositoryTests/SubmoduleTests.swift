import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("Submodules (A07)")
struct SubmoduleTests {
    private static let one = String(repeating: "1", count: 40)
    private static let two = String(repeating: "2", count: 40)
    private static let allowing = TreePolicy(submodules: .empty)

    /// A tree with submodules in the root, below, and alone in a directory.
    private static func tree(_ commit: String, _ text: String) -> [Planted] {
        [
            .file("a", text),
            .directory("d", [.file("b"), .directory("e", [.entry("alone", mode: "160000", id: commit)])]),
            .entry("sub", mode: "160000", id: commit),
            .directory("z", [.file("c"), .entry("s", mode: "160000", id: one)]),
        ]
    }

    @Test("are refused with a hint that names the setting")
    func refused() throws {
        try withScratch { scratch in
            let commit = try scratch.commit(Self.tree(Self.one, "x"))
            let error = try #require(throws: GitError.self) { try scratch.open().inspect(commit) }
            #expect(error.refusal?.rule == .submodule && error.refusal?.path == Array("d/e/alone".utf8))
            #expect(error.hint?.contains("pmo-release settings --submodules empty") == true)
        }
    }

    @Test("are empty directories where the policy says so, as git archive has them")
    func empty() throws {
        try withScratch { scratch in
            let commit = try scratch.commit(Self.tree(Self.one, "x"))
            let target = try scratch.makeDirectory("target")
            let summary = try target.withDirectory { directory in
                try scratch.open().export(commit, into: directory, policy: Self.allowing) { _ in }
            }
            #expect(summary.files == 3 && summary.directories == 6)
            #expect(try scratch.listing(target) == scratch.listing(scratch.archived(commit)))
        }
    }

    @Test("do not make a tree of themselves alone")
    func alone() throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.entry("sub", mode: "160000", id: Self.one)])
            let error = try #require(throws: GitError.self) {
                try scratch.open().inspect(commit, policy: Self.allowing)
            }
            #expect(error.refusal?.rule == .empty)
        }
    }

    @Test("come, stay and go in an update, and come back where the disk has lost them", arguments: [false, true])
    func update(_ isLost: Bool) throws {
        try withScratch { scratch in
            let trees = [
                Self.tree(Self.one, "1"), Self.tree(Self.two, "1"), [.file("a", "1"), .file("sub", "a file")],
                Self.tree(Self.two, "2"),
                [.file("a"), .directory("sub", [.file("in")]), .directory("z", [.file("c")])],
                Self.tree(Self.one, "1"),
            ]
            let commits = try trees.map { try scratch.commit($0) }
            let place = try scratch.makeDirectory("tree")
            let repository = try scratch.open()
            for (number, commit) in commits.enumerated() {
                try place.withDirectory { directory in
                    guard number > 0 else {
                        _ = try repository.export(commit, into: directory, policy: Self.allowing) { _ in }
                        return
                    }
                    if isLost {
                        try scratch.run(["find", place.string, "-mindepth", "1", "-type", "d", "-empty", "-delete"])
                    }
                    _ = try repository.update(
                        directory, from: commits[number - 1], to: commit, policy: Self.allowing
                    ) { _ in }
                }
                let expected = try scratch.archived(commit)
                #expect(try scratch.listing(place) == scratch.listing(expected), "commit \(number)")
                try scratch.run(["rm", "-r", expected.string])
            }
        }
    }
}
