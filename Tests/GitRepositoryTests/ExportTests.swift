import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("Export")
struct ExportTests {
    @Test("Is byte for byte what git archive gives (A10, A11, A12)")
    func sameAsArchive() throws {
        try withScratch { scratch in
            let commit = try scratch.commit(Self.odd)
            let target = try scratch.makeDirectory("target")
            let summary = try target.withDirectory { try scratch.open().export(commit, into: $0) { _ in } }
            #expect(try scratch.listing(target) == scratch.listing(scratch.archived(commit)))
            #expect(summary.files == 21 && summary.symlinks == 4)
        }
    }

    private static let odd: [Planted] = [
        .file("README.md", "hello\n"), .file("crlf.txt", "a\r\nb\r\n"), .file("cr", "a\rb\r"), .file("empty", ""),
        .file("run.sh", "#!/bin/sh\n", mode: "100755"), .file(Array("nul".utf8), content: [0, 1, 2, 0, 255]),
        .file("new\nline"), .file("esc\u{1b}[31m"), .file("bell\u{7}"), .file("tab\there"), .file("rtl\u{202e}txt"),
        .file([0xff, 0xfe, 0x80]), .file("caf\u{e9}"), .file("cafe\u{301}"), .file("readme.md", "other"),
        .file("-rf"), .file(" "), .file("\"quoted\" 'name' $(x) `y`"),
        .directory("d", [.file("a"), .directory("e", [.directory("f", [.file("deep")])]), .link("up", to: ".././/d")]),
        .directory("empty-directory", []), .file("big", String(repeating: "0123456789abcdef", count: 200_000)),
        .link("dangling", to: "nowhere"), .link("loop", to: "loop"), .link([0xfd], to: [0xfe, 0x0a]),
    ]

    @Test("Takes raw blobs where a tree has attributes (A17)")
    func attributes() throws {
        try withScratch { scratch in
            let commit = try scratch.commit([
                .file(".gitattributes", "secret export-ignore\nv export-subst\n*.txt text eol=crlf ident\n"),
                .file("a.txt", "$Id$\nline\n"), .file("secret", "kept"), .file("v", "$Format:%H$"),
            ])
            let target = try scratch.makeDirectory("target")
            _ = try target.withDirectory { try scratch.open().export(commit, into: $0) { _ in } }
            #expect(try String(contentsOfFile: target.appending("a.txt").string, encoding: .utf8) == "$Id$\nline\n")
            #expect(try String(contentsOfFile: target.appending("secret").string, encoding: .utf8) == "kept")
            #expect(try String(contentsOfFile: target.appending("v").string, encoding: .utf8) == "$Format:%H$")
        }
    }

    @Test("Reports each file and symlink, with git's own ids")
    func index() throws {
        try withScratch { scratch in
            let commit = try scratch.commit(Self.odd)
            let target = try scratch.makeDirectory("target")
            var lines: [[UInt8]] = []
            _ = try target.withDirectory { directory in
                try scratch.open().export(commit, into: directory) { entry in
                    let mode = String(entry.mode, radix: 8)
                    let size = String(repeating: " ", count: max(0, 7 - "\(entry.size)".count)) + "\(entry.size)"
                    lines.append(Array("\(mode) blob \(entry.blob) \(size)\t".utf8) + entry.path)
                }
            }
            let listed = try scratch.run(
                ["git", "--git-dir", scratch.repository.string, "ls-tree", "-r", "-l", "-z", commit.text])
            #expect(listed.split(separator: 0).map(Array.init) == lines)
        }
    }

    @Test("Gives modes 0644 and 0755 whatever the umask")
    func umask() async {
        await #expect(processExitsWith: .success) {
            Glibc.umask(0o077)
            try withScratch { scratch in
                let commit = try scratch.commit([.directory("d", [.file("x", mode: "100755"), .file("f")])])
                let target = try scratch.makeDirectory("target")
                _ = try target.withDirectory { try scratch.open().export(commit, into: $0) { _ in } }
                let modes = try scratch.run(["stat", "-c", "%a", "d", "d/x", "d/f"], in: target)
                #expect(String(decoding: modes, as: UTF8.self) == "755\n755\n644\n")
            }
        }
    }

    @Test("Never opens, follows or replaces what is there (A05)", arguments: ["file", "link", "directory"])
    func occupied(_ kind: String) throws {
        try withScratch { scratch in
            let commit = try scratch.commit([.directory("d", [.file("a", "new")]), .file("f", "new")])
            let target = try scratch.makeDirectory("target")
            let outside = try scratch.makeDirectory("outside")
            switch kind {
            case "file": try Data("old".utf8).write(to: URL(fileURLWithPath: target.appending("f").string))
            case "link": symlink("../outside", target.appending("d").string)
            default: mkdir(target.appending("d").string, 0o755)
            }
            let error = try #require(throws: GitError.self) {
                try target.withDirectory { try scratch.open().export(commit, into: $0) { _ in } }
            }
            guard case .system(EEXIST, _, Array((kind == "file" ? "f" : "d").utf8)) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(outside.names == [])
        }
    }

    @Test("Holds few descriptors, and closes them all")
    func descriptors() throws {
        try withScratch { scratch in
            let commit = try scratch.commit([Planted.file("deepest").nested(127)])
            let target = try scratch.makeDirectory("target")
            var most = 0
            try target.withDirectory { directory in
                _ = try scratch.open().export(commit, into: directory) { _ in most = openBelow(target) }
                #expect(openBelow(target) == 1)
            }
            #expect(most == 128)
        }
    }

    @Test("Stops when the index does, with its error")
    func indexFails() throws {
        struct Full: Error {}
        try withScratch { scratch in
            let commit = try scratch.commit([.directory("d", [.file("a"), .file("b")])])
            let target = try scratch.makeDirectory("target")
            let error = try #require(throws: GitError.self) {
                try target.withDirectory { try scratch.open().export(commit, into: $0) { _ in throw Full() } }
            }
            guard case .index(let cause) = error, cause is Full else {
                Issue.record("\(error)")
                return
            }
            #expect(target.appending("d").names == ["a"])
        }
    }

    @Test("Reads packs with deltas as well as loose objects")
    func packed() throws {
        try withScratch { scratch in
            let text = (0..<5000).map { "line \($0)\n" }.joined()
            let files = (0..<50).map { Planted.file("f\(100 + $0)", text + "\($0)") }
            let commit = try scratch.commit(files)
            try scratch.git("update-ref", "refs/heads/main", commit.text)
            try scratch.git("repack", "-adfq", "--depth=50")
            let target = try scratch.makeDirectory("target")
            let summary = try target.withDirectory { try scratch.open().export(commit, into: $0) { _ in } }
            #expect(summary.files == 50)
            #expect(try scratch.listing(target) == scratch.listing(scratch.archived(commit)))
        }
    }

    /// How many of this process's descriptors are open on the directory or below it.
    private func openBelow(_ directory: FilePath) -> Int {
        FilePath("/proc/self/fd").names.count { name in
            let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
            return path?.hasPrefix(directory.string) == true
        }
    }
}
