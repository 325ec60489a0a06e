import Foundation
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Runs a body with an empty directory, which is removed whatever happens.
func withDirectory<Value>(_ body: (FilePath) throws -> Value) throws -> Value {
    let path = try makeDirectory()
    defer { removeDirectory(path) }
    return try body(path)
}

/// The same for a body that waits.
func withDirectory<Value>(_ body: (FilePath) async throws -> Value) async throws -> Value {
    let path = try makeDirectory()
    defer { removeDirectory(path) }
    return try await body(path)
}

/// Runs a body with an app that has its directories and settings, and nothing else.
func withApp<Value>(_ name: String = "pmo", _ body: (AppLayout) throws -> Value) throws -> Value {
    try withDirectory { try body(makeApp(name, home: $0)) }
}

/// The same for a body that waits.
func withApp<Value>(_ name: String = "pmo", _ body: (AppLayout) async throws -> Value) async throws -> Value {
    try await withDirectory { try await body(makeApp(name, home: $0)) }
}

func makeApp(_ name: String, home: FilePath) throws -> AppLayout {
    let host = HostLayout(home: home)
    try host.createDirectories()
    let app = host.app(try AppName(name))
    try app.createDirectories()
    let settings = AppSettings(
        branch: try BranchName("main"), domain: try Domain("\(name).localhost"), created: 1, createdBy: "alice")
    try settings.save(to: app.settings)
    return app
}

private func makeDirectory() throws -> FilePath {
    var template = Array("/tmp/pmo-store-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
    return FilePath(platformString: template)
}

private func removeDirectory(_ path: FilePath) {
    try? FileManager.default.removeItem(atPath: path.string)
}

/// A commit whose id is the digit 40 times.
func commit(_ digit: Character) throws -> CommitID { try CommitID(String(repeating: digit, count: 40)) }

extension ReleaseStore {
    /// Makes a complete release with one file, as a deploy would.
    func make(_ id: ReleaseID, deploy: Int, served: Bool = false) throws -> ReleaseID {
        let partial = try makePartial(deploy: deploy)
        try write("release \(id)", to: partial.appending("index.html"))
        try describe(id, deploy: deploy).save(to: ReleaseLayout(root: partial))
        try complete(partial: partial, as: id)
        if served { try markServed(id) }
        return id
    }

    func describe(_ id: ReleaseID, deploy: Int) -> ReleaseInformation {
        ReleaseInformation(
            id: id, subject: "Say hello", author: "Alice", commitTime: 1, who: "alice", deploy: deploy, branch: "main",
            created: Double(deploy), files: 1, bytes: 10)
    }
}

func write(_ text: String, to path: FilePath) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path.string))
}

func text(of path: FilePath) throws -> String { try String(contentsOfFile: path.string, encoding: .utf8) }

func link(at path: FilePath, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path.string, withDestinationPath: target)
}

func linkTarget(of path: FilePath) throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: path.string)
}

func exists(_ path: FilePath) -> Bool {
    var status = stat()
    return lstat(path.string, &status) == 0
}

func mode(of path: FilePath) -> mode_t {
    var status = stat()
    return lstat(path.string, &status) == 0 ? status.st_mode & 0o7777 : 0
}

func names(in path: FilePath) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path.string).sorted()
}
