import Foundation
import Glibc
import ReleaseModel
import SystemPackage

@testable import GitRepository

extension Scratch {
    /// A commit of many files, made by `git fast-import`, and packed with deltas.
    ///
    /// - Parameter files: path and content of each.
    func largeCommit(_ files: [(path: String, content: String)]) throws -> CommitID {
        var stream = "commit refs/heads/large\ncommitter C <c@example.org> 1700000000 +0000\ndata 0\n"
        for file in files {
            stream += "M 100\(file.path.hasSuffix(".sh") ? "755" : "644") inline \(file.path)\n"
            stream += "data \(file.content.utf8.count)\n\(file.content)\n"
        }
        try git("fast-import", "--quiet", input: Array(stream.utf8))
        try git("repack", "-adfq", "--depth=50")
        return try CommitID(git("rev-parse", "refs/heads/large"))
    }

    /// What is in the commit, as git writes it out.
    func archived(_ commit: CommitID) throws -> FilePath {
        let directory = try makeDirectory("archived")
        let tar = root.appending("archive.tar").string
        try git("-c", "tar.umask=0022", "archive", "--format=tar", "-o", tar, commit.text)
        try run(["tar", "-xpf", tar, "-C", directory.string])
        return directory
    }

    /// Names, kinds, modes, targets and bytes of everything below, as a tar archive without times and owners.
    func listing(_ directory: FilePath) throws -> [UInt8] {
        try run([
            "tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-C", directory.string,
            "-cf", "-", ".",
        ])
    }
}

/// Files in directories, each with a content of its own that is like the others'.
func manyFiles(_ count: Int, directories: Int) -> [(path: String, content: String)] {
    let text = (0..<40).map { "line \($0) of a text that many files have in common\n" }.joined()
    return (0..<count).map { number in
        let directory = number % directories
        let name = "file\(number)\(number % 7 == 0 ? ".sh" : "")"
        return ("d\(directory % 20)/e\(directory)/\(name)", number % 11 == 0 ? "" : "\(text)\(number)\n")
    }
}
