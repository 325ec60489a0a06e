import Foundation
import Glibc
import ReleaseModel
import SystemPackage

@testable import GitRepository

/// A directory for one test with a bare repository in it, driven by the real git.
final class Scratch {
    let root: FilePath
    let repository: FilePath
    private let environment: [String: String]
    private var written: [[UInt8]: String] = [:]
    private var runs = 0

    private init() throws {
        var template = Array("\(NSTemporaryDirectory())/pmo-git-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Errno(rawValue: errno) }
        root = FilePath(platformString: made)
        repository = root.appending("repo.git")
        environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": root.string, "LC_ALL": "C", "TZ": "UTC",
            "GIT_CONFIG_GLOBAL": root.appending("gitconfig").string, "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_AUTHOR_NAME": "Ann Author", "GIT_AUTHOR_EMAIL": "ann@example.org",
            "GIT_COMMITTER_NAME": "Carl Committer", "GIT_COMMITTER_EMAIL": "carl@example.org",
            "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000100 +0000",
        ]
        try run(["git", "init", "--quiet", "--bare", "--initial-branch=main", repository.string])
    }

    /// Makes one; the caller removes it.
    static func make() throws -> Scratch { try Scratch() }

    func remove() {
        // Foundation takes minutes for what rm removes in seconds.
        _ = try? run(["rm", "-rf", root.string], in: "/")
    }

    struct ProgramFailed: Error {
        let arguments: [String]
        let status: Int32
        let errors: String
    }

    /// Runs a program to its end; both ends of it are files, so that no pipe can fill up.
    @discardableResult
    func run(
        _ arguments: [String], input: [UInt8] = [], adding: [String: String] = [:], in directory: FilePath? = nil
    ) throws -> [UInt8] {
        runs += 1
        let files = ["in", "out", "err"].map { root.appending("\($0).\(runs)").string }
        defer { files.forEach { unlink($0) } }
        for file in files { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        try Data(input).write(to: URL(fileURLWithPath: files[0]))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = environment.merging(adding) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: (directory ?? root).string)
        process.standardInput = FileHandle(forReadingAtPath: files[0])
        process.standardOutput = FileHandle(forWritingAtPath: files[1])
        process.standardError = FileHandle(forWritingAtPath: files[2])
        try process.run()
        process.waitUntilExit()
        let errors = String(decoding: FileManager.default.contents(atPath: files[2]) ?? Data(), as: UTF8.self)
        guard process.terminationStatus == 0 else {
            throw ProgramFailed(arguments: arguments, status: process.terminationStatus, errors: errors)
        }
        return Array(FileManager.default.contents(atPath: files[1]) ?? Data())
    }

    /// Runs git in the repository; its output without the last line's end.
    @discardableResult
    func git(_ arguments: String..., input: [UInt8] = [], adding: [String: String] = [:]) throws -> String {
        let output = try run(["git", "--git-dir", repository.string] + arguments, input: input, adding: adding)
        return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    /// The id of a blob with these bytes.
    func blob(_ bytes: [UInt8]) throws -> String {
        if let known = written[bytes] { return known }
        let id = try git("hash-object", "-w", "--stdin", input: bytes)
        written[bytes] = id
        return id
    }

    /// The id of a tree with these entries, in this order, whatever git thinks of it.
    func tree(_ entries: [Planted]) throws -> String {
        var bytes: [UInt8] = []
        for entry in entries {
            let (mode, name, id) = try stored(entry)
            bytes += Array("\(mode) ".utf8) + name + [0] + octets(id)
        }
        return try rawTree(bytes)
    }

    /// The id of a tree with these very bytes.
    func rawTree(_ bytes: [UInt8]) throws -> String {
        try git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", input: bytes)
    }

    /// A commit of a tree that no reference leads to, made at a time in seconds since 1970 or now.
    func commit(
        tree: String, message: String = "subject", parents: [CommitID] = [], time: Int? = nil
    ) throws -> CommitID {
        let options = parents.flatMap { ["-p", $0.text] }
        let output = try run(
            ["git", "--git-dir", repository.string, "commit-tree", tree] + options, input: Array(message.utf8),
            adding: time.map { ["GIT_COMMITTER_DATE": "\($0) +0000"] } ?? [:])
        return try CommitID(String(decoding: output.prefix(40), as: UTF8.self))
    }

    func commit(
        _ entries: [Planted], message: String = "subject", parents: [CommitID] = [], time: Int? = nil
    ) throws -> CommitID {
        try commit(tree: tree(entries), message: message, parents: parents, time: time)
    }

    func open() throws -> GitRepository { try GitRepository(opening: repository) }

    /// Makes a directory of mode 0755.
    func makeDirectory(_ name: String) throws -> FilePath {
        let path = root.appending(name)
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
        chmod(path.string, 0o755)
        return path
    }

    private func stored(_ entry: Planted) throws -> (mode: String, name: [UInt8], id: String) {
        switch entry {
        case .file(let name, let content, let mode): (mode, name, try blob(content))
        case .link(let name, let target): ("120000", name, try blob(target))
        case .directory(let name, let entries): ("40000", name, try tree(entries))
        case .entry(let name, let mode, let id): (mode, name, id)
        }
    }

    private func octets(_ id: String) -> [UInt8] {
        let digits = Array(id.utf8)
        return stride(from: 0, to: 40, by: 2).map { place in
            UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) ?? 0
        }
    }
}

/// An entry to plant in a tree; names are bytes.
indirect enum Planted: Sendable {
    case file([UInt8], content: [UInt8] = [120], mode: String = "100644")
    case link([UInt8], to: [UInt8])
    case directory([UInt8], [Planted])
    /// An entry with any mode and any object.
    case entry([UInt8], mode: String, id: String)

    static func file(_ name: String, _ content: String = "x", mode: String = "100644") -> Planted {
        .file(Array(name.utf8), content: Array(content.utf8), mode: mode)
    }
    static func link(_ name: String, to target: String) -> Planted { .link(Array(name.utf8), to: Array(target.utf8)) }
    static func directory(_ name: String, _ entries: [Planted]) -> Planted { .directory(Array(name.utf8), entries) }
    static func entry(_ name: String, mode: String, id: String) -> Planted {
        .entry(Array(name.utf8), mode: mode, id: id)
    }

    /// This entry below so many directories named `d`.
    func nested(_ depth: Int) -> Planted {
        (0..<depth).reduce(self) { inner, _ in .directory("d", [inner]) }
    }
}

/// Lends a scratch directory, and removes it however the test ends.
func withScratch<Result>(_ body: (Scratch) throws -> Result) throws -> Result {
    let scratch = try Scratch.make()
    defer { scratch.remove() }
    return try body(scratch)
}

extension FilePath {
    /// Lends the directory, open.
    func withDirectory<Result>(_ body: (FileDescriptor) throws -> Result) throws -> Result {
        let descriptor = try FileDescriptor.open(self, .readOnly, options: [.directory])
        return try descriptor.closeAfter { try body(descriptor) }
    }

    /// The names in the directory, as Foundation reads them.
    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: string)) ?? [] }
}

extension GitError {
    /// The refusal, where it is one.
    var refusal: TreeRefusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }
}
