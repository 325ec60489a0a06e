import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("A directory brought from one commit to another")
struct UpdateTests {
    @Test("holds each commit of a history in turn, as git itself sees it", arguments: [1, 2, 3] as [UInt64])
    func followsHistory(seed: UInt64) throws {
        try withScratch { scratch in
            let commits = try scratch.history(of: 40, seed: seed)
            let repository = try scratch.open()
            let place = try scratch.makeDirectory("tree")
            var present: Set<[UInt8]> = []
            var before: CommitID?
            // Forth and back, so that each difference is seen from both sides.
            for commit in commits + commits.reversed() {
                try place.withDirectory { directory in
                    if let before {
                        _ = try repository.update(directory, from: before, to: commit) { present.apply($0) }
                    } else {
                        _ = try repository.export(commit, into: directory) { present.insert($0.path) }
                    }
                }
                #expect(try scratch.treeID(of: place) == scratch.git("rev-parse", "\(commit)^{tree}"))
                #expect(try scratch.run(["find", place.string, "-type", "d", "-empty"]).isEmpty)
                #expect(try present == scratch.paths(of: commit), "what was told is what is there")
                before = commit
            }
        }
    }

    @Test("gets back the files that it lacks, with the directories they were in", arguments: [4, 5] as [UInt64])
    func restoresMissing(seed: UInt64) throws {
        try withScratch { scratch in
            let commits = try scratch.history(of: 12, seed: seed)
            let repository = try scratch.open()
            var random = SplitMix(state: seed)
            for (base, next) in zip(commits, commits.dropFirst() + [commits[0]]) {
                let place = try scratch.makeDirectory("tree-\(base.short)")
                var missing: Set<[UInt8]> = []
                try place.withDirectory { directory in
                    _ = try repository.export(base, into: directory) {
                        if Int.random(in: 0..<3, using: &random) == 0 { missing.insert($0.path) }
                    }
                    for path in missing { unlink(place.string + "/" + String(decoding: path, as: UTF8.self)) }
                    try scratch.run(["find", place.string, "-mindepth", "1", "-type", "d", "-empty", "-delete"])
                    _ = try repository.update(directory, from: base, to: next, missing: missing) { _ in }
                }
                #expect(try scratch.treeID(of: place) == scratch.git("rev-parse", "\(next)^{tree}"))
            }
        }
    }

    @Test("is left alone where nothing differs: no inode and no time changes")
    func touchesNothing() throws {
        try withScratch { scratch in
            let one = try scratch.commit([.file("a", "1"), .directory("d", [.file("b", "2"), .link("l", to: "b")])])
            let two = try scratch.commit([.file("a", "3"), .directory("d", [.file("b", "2"), .link("l", to: "b")])])
            let repository = try scratch.open()
            let place = try scratch.makeDirectory("tree")
            var changes: [TreeChange] = []
            try place.withDirectory { directory in
                _ = try repository.export(one, into: directory) { _ in }
                let before = try scratch.run(["stat", "-c", "%n %i %Z %Y", "d", "d/b", "d/l"], in: place)
                _ = try repository.update(directory, from: one, to: two) { changes.append($0) }
                #expect(try scratch.run(["stat", "-c", "%n %i %Z %Y", "d", "d/b", "d/l"], in: place) == before)
            }
            #expect(changes.count == 2, "the one file goes, and comes anew")
        }
    }

    @Test("is refused a tree that the policy refuses, before anything is touched")
    func refuses() throws {
        try withScratch { scratch in
            let base = try scratch.commit([.file("a", "1")])
            let hostile = try scratch.commit([.file("a", "2"), .link("out", to: "../../etc/passwd")])
            let place = try scratch.makeDirectory("tree")
            let repository = try scratch.open()
            try place.withDirectory { directory in
                _ = try repository.export(base, into: directory) { _ in }
                #expect(throws: GitError.self) { try repository.update(directory, from: base, to: hostile) { _ in } }
            }
            #expect(try scratch.treeID(of: place) == scratch.git("rev-parse", "\(base)^{tree}"))
        }
    }
}

extension Set<[UInt8]> {
    fileprivate mutating func apply(_ change: TreeChange) {
        switch change {
        case .removed(let path): remove(path)
        case .written(let entry): insert(entry.path)
        }
    }
}

/// Numbers that a seed decides (splitmix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

extension Scratch {
    /// A history of random trees: files come, go and change, also their modes, names turn from file to directory to link
    /// and back. git's own fast-import makes it.
    func history(of count: Int, seed: UInt64) throws -> [CommitID] {
        var random = SplitMix(state: seed)
        var tree: [String: (mode: String, content: String)] = ["root.txt": ("100644", "root")]
        var stream = ""
        for number in 1...count {
            for _ in 0..<Int.random(in: 1...12, using: &random) { change(&tree, &random) }
            stream += "commit refs/heads/history\nmark :\(number)\n"
            stream += "committer Carl <carl@example.org> \(1_700_000_000 + number) +0000\ndata 1\nx\ndeleteall\n"
            for (path, entry) in tree {
                stream += "M \(entry.mode) inline \(path)\ndata \(entry.content.utf8.count)\n\(entry.content)\n"
            }
        }
        let marks = root.appending("marks")
        try git("fast-import", "--quiet", "--export-marks=\(marks)", input: Array(stream.utf8))
        let lines = try String(contentsOfFile: marks.string, encoding: .utf8).split(separator: "\n")
        let ids = try lines.map { line in
            let words = line.dropFirst().split(separator: " ")
            return (Int(words[0]) ?? 0, try CommitID(String(words[1])))
        }
        return ids.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// A path that another lies below is taken away first, and so is one that lies below it.
    private func change(_ tree: inout [String: (mode: String, content: String)], _ random: inout SplitMix) {
        let names = ["a", "b", "c.txt", "dé", "e f"]
        let depth = Int.random(in: 1...4, using: &random)
        let path = (0..<depth).map { _ in names[Int.random(in: 0..<names.count, using: &random)] }
            .joined(separator: "/")
        if Int.random(in: 0..<4, using: &random) == 0 {
            for key in tree.keys where key == path || key.hasPrefix(path + "/") { tree[key] = nil }
            return
        }
        for key in tree.keys where key.hasPrefix(path + "/") || path.hasPrefix(key + "/") { tree[key] = nil }
        let mode = ["100644", "100644", "100755", "120000"][Int.random(in: 0..<4, using: &random)]
        let number = Int.random(in: 0..<6, using: &random)
        tree[path] = (mode, mode == "120000" ? "target-\(number)" : String(repeating: "\(number)\n", count: number))
    }

    /// The id of the tree that git makes of a directory.
    func treeID(of place: FilePath) throws -> String {
        let index = ["GIT_INDEX_FILE": root.appending("index.check").string]
        unlink(root.appending("index.check").string)
        try git("--work-tree=\(place)", "add", "--all", "--force", ".", adding: index)
        return try git("write-tree", adding: index)
    }

    /// The paths of a commit's files and links.
    func paths(of commit: CommitID) throws -> Set<[UInt8]> {
        let list = try run(["git", "--git-dir", repository.string, "ls-tree", "-r", "-z", "--name-only", commit.text])
        return Set(list.split(separator: 0).map(Array.init))
    }
}
