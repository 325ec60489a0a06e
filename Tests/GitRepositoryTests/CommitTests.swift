import Foundation
import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("Commits")
struct CommitTests {
    @Test("Reads what a commit says about itself")
    func summary() throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.file("a")], message: "Say hello\nto all\n\nBody")
            let summary = try scratch.open().commit(commit)
            #expect(summary.id == commit)
            #expect(try summary.tree == scratch.git("rev-parse", "\(commit)^{tree}"))
            #expect(summary.subject == "Say hello to all")
            #expect(summary.author == "Ann Author" && summary.email == "ann@example.org")
            #expect(summary.time == 1_700_000_100)
        }
    }

    @Test("Keeps control bytes of a subject, and bounds its length (A10)")
    func hostileSubject() throws {
        try withScratch { scratch in
            let escape = try scratch.commit([.file("a")], message: "a\u{1b}]0;x\u{7}b")
            #expect(try scratch.open().commit(escape).subject == "a\u{1b}]0;x\u{7}b")
            let long = try scratch.commit([.file("a")], message: String(repeating: "x", count: 100_000))
            #expect(try scratch.open().commit(long).subject.count == 1000)
        }
    }

    @Test("Says what an id is that is no commit, or that it is unknown")
    func notACommit() throws {
        try withScratch { scratch in
            let blob = try CommitID(scratch.blob([1, 2, 3]))
            let error = try #require(throws: GitError.self) { try scratch.open().commit(blob) }
            #expect(error.description == "\(blob) is a blob, not a commit")
            let unknown = try CommitID(String(repeating: "5", count: 40))
            let missing = try #require(throws: GitError.self) { try scratch.open().inspect(unknown) }
            #expect(missing.description == "no commit here begins with \(unknown)")
            #expect(missing.hint == "push it first; what has been deployed: pmo-release history")
        }
    }

    @Test("Resolves a prefix to a commit that no reference leads to")
    func resolves() throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.file("a")])
            let repository = try scratch.open()
            for length in [4, 7, 12, 39, 40] {
                #expect(try repository.resolve(CommitPrefix(String(commit.text.prefix(length)))) == commit)
            }
            #expect(throws: GitError.self) { try repository.resolve(CommitPrefix("0000000")) }
            let tree = try scratch.tree([.file("a")])
            let error = try #require(throws: GitError.self) { try repository.resolve(CommitPrefix(tree)) }
            #expect(error.hint == "push it first; what has been deployed: pmo-release history")
        }
    }

    @Test("Lists what an ambiguous prefix can mean, and lets a blob of the same prefix not count")
    func ambiguous() throws {
        try withScratch { scratch in
            let ids = try manyObjects(in: scratch)
            let repository = try scratch.open()
            for (prefix, commits) in ids where commits.count > 1 {
                let error = try #require(throws: GitError.self) { try repository.resolve(CommitPrefix(prefix)) }
                guard case .ambiguousCommit(prefix, let candidates) = error else { throw error }
                #expect(candidates == commits.sorted().prefix(5).map { $0.prefix(7) }.map(String.init))
                #expect(error.description.hasPrefix("\(prefix) is ambiguous: \(candidates[0]), \(candidates[1])"))
            }
            for (prefix, commits) in ids where commits.count == 1 {
                #expect(try repository.resolve(CommitPrefix(prefix)).text == commits[0])
            }
            #expect(ids.values.contains { $0.count == 1 } && ids.values.contains { $0.count > 1 })
        }
    }

    /// Enough objects that prefixes of four digits collide; the prefixes that do, with the commits they can mean.
    private func manyObjects(in scratch: Scratch) throws -> [String: [String]] {
        let count = 1500
        let commits = (0..<count).map { number in
            "commit refs/heads/c\(number)\ncommitter A <a@example.org> \(1_700_000_000 + number) +0000\ndata 1\nx"
        }
        let blobs = (0..<count).map { "blob\ndata 4\n\($0 + 1000)" }
        try scratch.git("fast-import", "--quiet", input: Array((commits + blobs + [""]).joined(separator: "\n").utf8))
        let listed = try scratch.git("cat-file", "--batch-check=%(objectname) %(objecttype)", "--batch-all-objects")
        var all: [String: [String]] = [:]
        for line in listed.split(separator: "\n") { all[String(line.prefix(4)), default: []].append(String(line)) }
        return all.filter { $0.value.count > 1 }.compactMapValues { lines in
            let commits = lines.filter { $0.hasSuffix("commit") }.map { String($0.prefix(40)) }
            return commits.isEmpty ? nil : commits
        }
    }

    @Test("Describes a commit as git does")
    func describe() throws {
        try withScratch { scratch in
            let first = try scratch.commit([.file("a")], message: "first")
            let second = try scratch.commit([.file("b")], message: "second", parents: [first])
            let repository = try scratch.open()
            #expect(repository.describe(second) == second.short)
            try scratch.git("tag", "v1.2", first.text)
            try scratch.git("tag", "--annotate", "--message=x", "v2.0", second.text)
            for commit in [first, second, try scratch.commit([.file("c")], parents: [second])] {
                #expect(try repository.describe(commit) == scratch.git("describe", "--tags", "--always", commit.text))
            }
            #expect(try repository.describe(CommitID(String(repeating: "5", count: 40))) == nil)
        }
    }

    @Test("Knows which commit comes before which")
    func ancestors() throws {
        try withScratch { scratch in
            let first = try scratch.commit([.file("a")], message: "first")
            let left = try scratch.commit([.file("a")], message: "left", parents: [first])
            let right = try scratch.commit([.file("a")], message: "right", parents: [first])
            let merge = try scratch.commit([.file("a")], message: "merge", parents: [left, right])
            let repository = try scratch.open()
            #expect(try repository.isAncestor(first, of: merge))
            #expect(try repository.isAncestor(right, of: merge))
            #expect(try repository.isAncestor(left, of: left))
            #expect(try !repository.isAncestor(merge, of: first))
            #expect(try !repository.isAncestor(left, of: right))
        }
    }

    @Test("Reads no more of a history than lies between two commits, also where times run backwards")
    func readsWhatIsBetween() throws {
        try withScratch { scratch in
            var history: [CommitID] = []
            for number in 0..<40 {
                let parents = history.last.map { [$0] } ?? []
                history.append(try scratch.commit([.file("a")], parents: parents, time: 1_700_000_000 + number * 60))
            }
            let skewed = try scratch.commit([.file("a")], parents: [history[39]], time: 1_600_000_000)
            var repository = try scratch.open()
            #expect(try repository.isAncestor(history[39], of: skewed))
            #expect(try repository.isAncestor(history[0], of: skewed))
            #expect(try !repository.isAncestor(skewed, of: history[39]))

            let first = history[0].text
            try FileManager.default.removeItem(
                atPath: scratch.repository.string + "/objects/\(first.prefix(2))/\(first.dropFirst(2))")
            repository = try scratch.open()
            #expect(try repository.isAncestor(history[38], of: history[39]))
            #expect(try repository.isAncestor(history[30], of: history[39]))
        }
    }

    @Test("Works on a shallow history")
    func shallow() throws {
        try withScratch { scratch in
            var commit = try scratch.commit([.file("a")], message: "0")
            var history = [commit]
            for number in 1...4 {
                commit = try scratch.commit([.file("a")], message: "\(number)", parents: [commit])
                history.append(commit)
            }
            try scratch.git("update-ref", "refs/heads/main", commit.text)
            let clone = scratch.root.appending("clone.git")
            let source = "file://\(scratch.repository.string)"
            try scratch.run(["git", "clone", "--quiet", "--bare", "--depth=2", source, clone.string])
            let repository = try GitRepository(opening: clone)
            #expect(try repository.isAncestor(history[3], of: history[4]))
            #expect(try !repository.isAncestor(history[4], of: history[3]))
            #expect(try !repository.isAncestor(history[0], of: history[4]))
            #expect(repository.describe(history[4]) == history[4].short)
            #expect(try repository.inspect(history[4]).files == 1)
        }
    }
}
