import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("A tree that is inspected by what differs from one that has passed")
struct DifferenceTests {
    @Test("gives the summary of a whole inspection over random histories", arguments: [11, 12, 13, 14] as [UInt64])
    func summaries(seed: UInt64) throws {
        try withScratch { scratch in
            let commits = try scratch.history(of: 40, seed: seed)
            let repository = try scratch.open()
            var random = SplitMix(state: seed)
            // Neighbours forth and back, and any two.
            var pairs = Array(zip(commits, commits.dropFirst())) + Array(zip(commits.dropFirst(), commits))
            for commit in commits { pairs.append((commit, commits.randomElement(using: &random) ?? commit)) }
            for (old, new) in pairs {
                let passed = try #require(try repository.passed(old))
                let whole = try repository.inspect(new, since: nil)
                let tree = try repository.inspect(new, since: passed)
                #expect(!tree.isWhole || old == new, "it was read whole")
                #expect(tree.summary == whole.summary)
                #expect(tree.counted == whole.counted)
            }
        }
    }

    @Test("counts directories that lose or gain their only file, and those that git does not write")
    func hollowDirectories() throws {
        try withScratch { scratch in
            let repository = try scratch.open()
            let hollow = Planted.directory("h", [.directory("i", []), .directory("j", [.directory("k", [])])])
            let trees = try [
                [.file("a"), hollow],
                [.file("a"), .directory("h", [.directory("i", [.file("f")]), .directory("j", [])])],
                [.file("a"), .directory("h", [.file("i"), .directory("j", [.directory("k", [.file("f")])])])],
                [.file("a"), .directory("d", [hollow, .link("l", to: "../a")])],
                [.file("a", String(repeating: "v", count: 150)), .directory("d", [hollow])],
            ].map { try scratch.commit($0) }
            for old in trees {
                for new in trees {
                    let tree = try repository.inspect(new, since: repository.passed(old))
                    let whole = try repository.inspect(new, since: nil)
                    #expect(tree.summary == whole.summary && tree.counted == whole.counted, "\(old) \(new)")
                }
            }
        }
    }

    @Test("is refused by the same rule as when it is read whole (A01–A09)", arguments: HostileTree.all)
    func refuses(_ hostile: HostileTree) throws {
        try withScratch { scratch in
            let repository = try scratch.open()
            // Beside files that both have, in the root and below, and in place of a file and of a directory.
            let name = hostile.entries.first?.name ?? []
            for base in [
                [.file("zz"), .directory("zzz", [.file("a")])], [.file("zz"), .file(name)],
                [.file("zz"), .directory(name, [.file("q")])],
            ] as [[Planted]] {
                guard let old = try? scratch.commit(base), let passed = try? repository.passed(old) else { continue }
                let new = try scratch.commit(
                    hostile.rule == .empty ? hostile.entries : hostile.entries + base.prefix(1))
                let error = try #require(throws: GitError.self) { try repository.inspect(new, since: passed) }
                #expect(error.refusal?.rule == hostile.rule, "\(error)")
                let alone = try #require(throws: GitError.self) {
                    try DifferenceInspector.inspect(
                        ObjectID(tree(of: new, scratch)), since: passed, ObjectID(tree(of: old, scratch)),
                        repository.objects, .standard)
                }
                #expect(alone.refusal?.rule == hostile.rule, "by the difference alone: \(alone)")
            }
        }
    }

    private func tree(of commit: CommitID, _ scratch: Scratch) throws -> CommitID {
        try CommitID(scratch.git("rev-parse", "\(commit)^{tree}"))
    }

    @Test("is judged anew where it has moved: to another depth, or behind a longer path")
    func moved() throws {
        try withScratch { scratch in
            let repository = try scratch.open()
            let climbing = Planted.directory("t", [.link("l", to: "../../x")])
            let old = try scratch.commit([.directory("d", [climbing])])
            let new = try scratch.commit([.directory("d", [climbing]), climbing])
            let passed = try repository.passed(old)
            #expect(try refusal(repository, new, passed)?.path == Array("t/l".utf8))
            let deep = Planted.file("a").nested(120)
            let deeper = try scratch.commit([deep, Planted.directory("e", [deep]).nested(8)])
            #expect(try refusal(repository, deeper, repository.passed(scratch.commit([deep])))?.rule == .length)
            let long = HostileTree.path(of: 4000)
            let longer = try scratch.commit([long, .directory(Array(repeating: 120, count: 120), [long])])
            #expect(try refusal(repository, longer, repository.passed(scratch.commit([long])))?.rule == .length)
            // `.pmo` is refused in the root alone, so that its parent may not become the root.
            let inner: [Planted] = [.directory(".pmo", [.file("a")])]
            let outer = try repository.passed(scratch.commit([.directory("d", inner)]))
            #expect(try refusal(repository, scratch.commit(inner), outer)?.rule == .reservedName)
        }
    }

    @Test("is refused as too large by what it comes to, not by what was added")
    func limits() throws {
        try withScratch { scratch in
            let repository = try scratch.open()
            let shared = try scratch.tree((0..<10).map { .file("f\($0)", "12345") })
            func commit(_ times: Int) throws -> CommitID {
                try scratch.commit((0..<times).map { .entry("d\($0)", mode: "40000", id: shared) })
            }
            for policy in [TreePolicy(entries: 44), TreePolicy(bytes: 200)] {
                let passed = try repository.passed(commit(4), policy: policy)
                #expect(passed != nil)
                #expect(try repository.inspect(commit(3), since: passed, policy: policy).summary.files == 30)
                let error = try #require(throws: GitError.self) {
                    try repository.inspect(commit(5), since: passed, policy: policy)
                }
                #expect(error.refusal?.rule == .size && error.refusal?.path == [])
            }
        }
    }

    @Test("is refused as a tree bomb without walking it (A13)", .timeLimit(.minutes(5)), arguments: [2, 10, 128])
    func bomb(width: Int) throws {
        try withScratch { scratch in
            let repository = try scratch.open()
            var tree = try scratch.tree([.file("f", "bomb")])
            for _ in 0..<(width == 2 ? 120 : 10) {
                tree = try scratch.tree((0..<width).map { .entry("d\(1000 + $0)", mode: "40000", id: tree) })
            }
            let old = try scratch.commit([.file("a"), .directory("d", [.file("b")])])
            let new = try scratch.commit([.file("a"), .entry("d", mode: "40000", id: tree)])
            #expect(try refusal(repository, new, repository.passed(old))?.rule == .size)
        }
    }

    @Test("is read whole where the old tree is gone, or was said to be what it is not")
    func wrongBase() throws {
        try withScratch { scratch in
            let repository = try scratch.open()
            let new = try scratch.commit([.file("a"), .file("b")])
            let gone = try CommitID(String(repeating: "1", count: 40))
            let whole = try repository.inspect(new, since: nil).summary
            let policy = TreePolicy.standard
            let none = PassedTree(gone, summary: TreeSummary(files: 1), counted: 1, submodules: 0, policy: policy)
            #expect(try repository.inspect(new, since: none).summary == whole)
            let old = try scratch.commit([.file("a"), .file("b"), .file("c"), .file("d")])
            let lie = PassedTree(old, summary: TreeSummary(files: 1), counted: 1, submodules: 0, policy: policy)
            let tree = try repository.inspect(new, since: lie)
            #expect(tree.isWhole && tree.summary == whole)
            for (summary, counted, submodules) in [
                (TreeSummary(files: .max), Int.max, 0), (TreeSummary(files: -1), 1, 0),
                (TreeSummary(files: 1, bytes: .max), 1, 0), (TreeSummary(files: 5), 4, 0),
                (TreeSummary(files: 1), 2, 1),
            ] {
                #expect(
                    PassedTree(old, summary: summary, counted: counted, submodules: submodules, policy: policy) == nil)
            }
        }
    }

    @Test(
        "lets an update write it, from any other commit, and an export write all of it",
        arguments: [21, 22] as [UInt64])
    func writes(seed: UInt64) throws {
        try withScratch { scratch in
            let commits = try scratch.history(of: 20, seed: seed)
            let repository = try scratch.open()
            for (number, new) in commits.enumerated().dropFirst(3) {
                let tree = try repository.inspect(new, since: repository.passed(commits[number - 1]))
                // An older one than that which it was compared with, as a spare is.
                let old = commits[number - 3]
                let place = try scratch.makeDirectory("t\(number)")
                try place.withDirectory { directory in
                    _ = try repository.export(old, into: directory) { _ in }
                    _ = try repository.update(directory, from: old, to: new, inspected: tree) { _ in }
                }
                let wanted = try scratch.git("rev-parse", "\(new)^{tree}")
                #expect(try scratch.treeID(of: place) == wanted)
                #expect(try scratch.run(["find", place.string, "-type", "d", "-empty"]).isEmpty)
                let whole = try scratch.makeDirectory("w\(number)")
                try whole.withDirectory { _ = try repository.export(new, into: $0, inspected: tree) { _ in } }
                #expect(try scratch.treeID(of: whole) == wanted)
            }
        }
    }

    @Test("is inspected by itself where what was found is of another tree")
    func otherTree() throws {
        try withScratch { scratch in
            let repository = try scratch.open()
            let fine = try repository.inspect(scratch.commit([.file("a")]), since: nil)
            let hostile = try scratch.commit([.file("a"), .link("out", to: "/etc/passwd")])
            let place = try scratch.makeDirectory("tree")
            try place.withDirectory { directory in
                _ = #expect(throws: GitError.self) {
                    try repository.export(hostile, into: directory, inspected: fine) { _ in }
                }
            }
            #expect(place.names == [])
        }
    }

    @Test("has a policy's own mark: other limits are another one")
    func fingerprints() {
        let marks = [TreePolicy.standard, TreePolicy(depth: 127), TreePolicy(submodules: .empty)].map(\.fingerprint)
        #expect(Set(marks).count == 3)
        #expect(marks[0] == TreePolicy().fingerprint)
    }

    private func refusal(
        _ repository: GitRepository, _ commit: CommitID, _ passed: PassedTree?
    ) throws -> TreeRefusal? {
        #expect(passed != nil)
        return try #require(throws: GitError.self) { try repository.inspect(commit, since: passed) }.refusal
    }
}

extension GitRepository {
    /// The tree of a commit as one that has passed.
    func passed(_ commit: CommitID, policy: TreePolicy = .standard) throws -> PassedTree? {
        let tree = try inspect(commit, since: nil, policy: policy)
        return PassedTree(
            commit, summary: tree.summary, counted: tree.counted, submodules: tree.submoduleCount, policy: policy)
    }
}

extension Planted {
    var name: [UInt8] {
        switch self {
        case .file(let name, _, _), .link(let name, _), .directory(let name, _), .entry(let name, _, _): name
        }
    }
}
