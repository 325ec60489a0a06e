import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

/// What git has and what was written are compared by the id of the tree that git makes of it: names, modes, targets and
/// every byte.
@Suite("Export of everything that git can hold", .timeLimit(.minutes(10)))
struct EverythingTests {
    @Test("Names in any bytes (A10, A11)", arguments: [false, true])
    func names(_ isPacked: Bool) throws {
        try withScratch { scratch in
            let bytes = (1...255 as ClosedRange<UInt8>).filter { !"/\\".utf8.contains($0) }
            let files = bytes.map { Planted.file([110, 45, $0], content: [$0]) }
            let links = bytes.map { Planted.link([108, 45, $0], to: [110, 45, $0]) }
            let commit = try scratch.commit(links + files + [.directory([0xff, 0x0a], files)])
            try scratch.expectExported(commit, isPacked: isPacked)
        }
    }

    @Test("Paths of 4,000 bytes, executable files, empty ones and symlinks", arguments: [false, true])
    func paths(_ isPacked: Bool) throws {
        try withScratch { scratch in
            // In git's order, which decides the tree's id.
            let commit = try scratch.commit([
                Planted.file("deep", mode: "100755").nested(127), .file("empty", ""), HostileTree.path(of: 4000),
                .file("run", "#!/bin/sh\n", mode: "100755"), .link("to", to: "empty"),
            ])
            try scratch.expectExported(commit, isPacked: isPacked)
        }
    }

    @Test("Every commit of a history")
    func history() throws {
        try withScratch { scratch in
            let commits = try scratch.history(of: 25, seed: 3)
            try scratch.git("repack", "-adfq", "--depth=50")
            for commit in commits { try scratch.expectExported(commit) }
        }
    }

    @Test("Objects of another repository, by alternates, packed or loose", arguments: [false, true], [false, true])
    func alternates(_ isPacked: Bool, _ isRelative: Bool) throws {
        try withScratch { scratch in
            let commits = try scratch.history(of: 4, seed: 5)
            // fast-import leaves loose what is little.
            if isPacked { try scratch.git("repack", "-adq") }
            let first = scratch.root.appending("first.git")
            let second = scratch.root.appending("second.git")
            for (from, to) in [(scratch.repository, first), (first, second)] {
                try scratch.run(["git", "clone", "-q", "--bare", "--shared", from.string, to.string])
            }
            if isRelative {
                let file = URL(fileURLWithPath: second.appending("objects/info/alternates").string)
                try Data("# a comment\n../../first.git/objects\n".utf8).write(to: file)
            }
            #expect(second.appending("objects/pack").names == [])
            for commit in commits { try scratch.expectExported(commit, from: second) }
        }
    }

    @Test("A shallow clone, and a history that is grafted and replaced")
    func shallow() throws {
        try withScratch { scratch in
            let commits = try scratch.history(of: 6, seed: 6)
            let last = try #require(commits.last)
            let clone = scratch.root.appending("shallow.git")
            try scratch.run([
                "git", "clone", "-q", "--bare", "--depth=1", "--branch=history", "file://\(scratch.repository)",
                clone.string,
            ])
            try scratch.expectExported(last, from: clone)
            try scratch.git("replace", "--graft", last.text, commits[0].text)
            try scratch.git("replace", commits[1].text, commits[2].text)
            let grafts = URL(fileURLWithPath: scratch.repository.appending("info/grafts").string)
            try Data("\(commits[3].text)\n".utf8).write(to: grafts)
            for commit in commits { try scratch.expectExported(commit) }
        }
    }

    @Test("A push in quarantine, packed")
    func quarantine() async {
        await #expect(processExitsWith: .success) {
            try withScratch { scratch in
                _ = try scratch.history(of: 3, seed: 7)
                try scratch.git("repack", "-adq")
                let quarantine = try scratch.makeDirectory("quarantine")
                try scratch.run(["mkdir", quarantine.appending("pack").string])
                let pushed = scratch.root.appending("pushed.git")
                try scratch.run(["git", "clone", "-q", "--bare", scratch.repository.string, pushed.string])
                let stream =
                    "commit refs/heads/history\ncommitter C <c@example.org> 1800000000 +0000\ndata 0\n"
                    + "from refs/heads/history^0\nM 100644 inline new\ndata 3\nnew\n"
                try scratch.run(
                    ["git", "--git-dir", pushed.string, "fast-import", "--quiet"], input: Array(stream.utf8))
                let id = try scratch.run(["git", "--git-dir", pushed.string, "rev-parse", "history"])
                let commit = try CommitID(String(decoding: id.prefix(40), as: UTF8.self))
                let environment = [
                    "GIT_OBJECT_DIRECTORY": quarantine.string,
                    "GIT_ALTERNATE_OBJECT_DIRECTORIES": scratch.repository.appending("objects").string,
                ]
                let pack = try scratch.run(
                    ["git", "--git-dir", pushed.string, "pack-objects", "--revs", "--stdout", "-q"],
                    input: Array("\(commit)\n^\(commit)~1\n".utf8))
                try scratch.git("index-pack", "--stdin", input: pack, adding: environment)
                #expect(quarantine.appending("pack").names.contains { $0.hasSuffix(".idx") })
                for (name, value) in environment { setenv(name, value, 1) }
                setenv("GIT_DIR", ".", 1)
                chdir(scratch.repository.string)
                let target = try scratch.makeDirectory("target")
                let repository = try GitRepository.openFromEnvironment()
                #expect(repository.objects.packs.files.count == 2)
                _ = try target.withDirectory { try repository.export(commit, into: $0) { _ in } }
                chdir("/")
                let tree = try scratch.run(["git", "--git-dir", pushed.string, "rev-parse", "history^{tree}"])
                #expect(try scratch.treeID(of: target) == String(decoding: tree.prefix(40), as: UTF8.self))
            }
        }
    }

    @Test("100,000 files in one directory, within 96 MB and 64 descriptors")
    func oneDirectory() async {
        await #expect(processExitsWith: .success) { try Self.expectBounds(files: 100_000, directories: 1) }
    }

    @Test("20,000 files in 5,000 directories, within 96 MB and 64 descriptors")
    func manyDirectories() async {
        await #expect(processExitsWith: .success) { try Self.expectBounds(files: 20_000, directories: 5000) }
    }

    private static func expectBounds(files: Int, directories: Int) throws {
        try withScratch { scratch in
            let commit = try scratch.manySmallFiles(files, directories: directories)
            let target = try scratch.makeDirectory("target")
            try withDescriptors(64) {
                let repository = try scratch.open()
                var count = 0
                let peak = try MemoryPeak.during {
                    _ = try target.withDirectory { try repository.export(commit, into: $0) { _ in count += 1 } }
                }
                #expect(count == files)
                #expect(peak < 96 << 20, "\(peak >> 10) KiB")
            }
            #expect(try scratch.treeID(of: target) == scratch.git("rev-parse", "\(commit)^{tree}"))
        }
    }

    private static func withDescriptors(_ count: rlim_t, _ body: () throws -> Void) throws {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var before = rlimit()
        getrlimit(resource, &before)
        var few = rlimit(rlim_cur: count, rlim_max: before.rlim_max)
        #expect(setrlimit(resource, &few) == 0)
        defer { setrlimit(resource, &before) }
        try body()
    }
}

extension Scratch {
    /// Exports a commit, and compares what was written with its tree.
    fileprivate func expectExported(
        _ commit: CommitID, from other: FilePath? = nil, isPacked: Bool = false,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        if isPacked {
            try git("update-ref", "refs/heads/main", commit.text)
            try git("repack", "-adfq")
            try git("prune-packed")
        }
        let target = try makeDirectory("target")
        let repository = try other.map { try GitRepository(opening: $0) } ?? open()
        _ = try target.withDirectory { try repository.export(commit, into: $0) { _ in } }
        let tree = try run([
            "git", "--no-replace-objects", "--git-dir", (other ?? self.repository).string, "rev-parse",
            "\(commit)^{tree}",
        ])
        let expected = String(decoding: tree.prefix(40), as: UTF8.self)
        #expect(try treeID(of: target) == expected, sourceLocation: location)
        try run(["rm", "-rf", target.string])
    }

    /// A commit of files that are much alike, as `git fast-import` packs them, made without holding them here.
    fileprivate func manySmallFiles(_ count: Int, directories: Int) throws -> CommitID {
        let program = """
            BEGIN {
                printf "commit refs/heads/many\\ncommitter C <c@example.org> 1700000000 +0000\\ndata 0\\n"
                for (line = 0; line < 8; line++) text = text "line " line " of a text that all have in common\\n"
                for (file = 0; file < \(count); file++) {
                    mode = file % 9 == 0 ? "100755" : file % 13 == 0 ? "120000" : "100644"
                    content = mode == "120000" ? "file" file : file % 11 == 0 ? "" : text file "\\n"
                    name = "d" file % \(directories) "/file" file
                    printf "M %s inline %s\\ndata %d\\n%s\\n", mode, name, length(content), content
                }
            }
            """
        try Data(program.utf8).write(to: URL(fileURLWithPath: root.appending("many.awk").string))
        try run(["sh", "-c", "awk -f many.awk | git --git-dir repo.git fast-import --quiet"])
        return try CommitID(git("rev-parse", "refs/heads/many"))
    }
}
