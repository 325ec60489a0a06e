import Foundation
import Glibc
import ReleaseModel
import Synchronization
import SystemPackage
import Testing

@testable import ReleaseStore

/// An app whose releases have files in common, as a deploy makes them; the table stands for git.
final class LinkedApp: Sendable {
    static let names = (0..<300).map { "d\($0 % 7)/e/\($0)" } + ["top", "d1/run"]

    let app: AppLayout
    let store: ReleaseStore
    private let compared = Atomic<Int>(0)
    /// How many files were read to be compared.
    var comparisons: Int { compared.load(ordering: .relaxed) }

    init(_ app: AppLayout) {
        self.app = app
        store = ReleaseStore(app)
    }

    var blobs: BlobSource {
        BlobSource(
            identify: { [self] bytes in
                compared.wrappingAdd(1, ordering: .relaxed)
                return Self.id(of: Array(bytes))
            },
            read: { id in
                let all = Self.names.flatMap { name in (0...9).map { Self.content(name, $0) } }
                return try #require(all.first { Self.id(of: $0) == id })
            })
    }

    /// FNV-1a, as long as a blob's id.
    static func id(of bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 40 - digits.count) + digits
    }

    static func content(_ name: String, _ version: Int = 0) -> [UInt8] { Array("\(name), version \(version)\n".utf8) }

    /// A release that was exported whole; in `changed` are the versions of what is not in version 0.
    func export(_ digit: Character, deploy: Int, _ changed: [String: Int] = [:]) throws -> ReleaseID {
        let partial = try store.makePartial(deploy: deploy)
        let files = try Self.names.map { try write($0, changed[$0] ?? 0, in: partial) }
        return try complete(partial, digit, deploy, files)
    }

    /// A release that was linked, and then brought to another commit, as an export does.
    func link(_ digit: Character, deploy: Int, _ changed: [String: Int] = [:]) throws -> (
        ReleaseID, ReleaseStore.Linked
    ) {
        let linked = try #require(try store.link(deploy: deploy, except: [], asking: blobs))
        let files = try update(linked, changed)
        return (try complete(linked.partial, digit, deploy, files), linked)
    }

    func update(_ linked: ReleaseStore.Linked, _ changed: [String: Int]) throws -> [IndexedFile] {
        let linkedFiles = Dictionary(uniqueKeysWithValues: linked.files.map { ($0.path, $0) })
        return try Self.names.map { name in
            let wanted = Self.content(name, changed[name] ?? 0)
            if let file = linkedFiles[Array(name.utf8)], file.blob == Self.id(of: wanted) { return file }
            unlink(linked.partial.appending(name).string)
            return try write(name, changed[name] ?? 0, in: linked.partial)
        }
    }

    func complete(_ partial: FilePath, _ digit: Character, _ deploy: Int, _ files: [IndexedFile]) throws -> ReleaseID {
        let layout = ReleaseLayout(root: partial)
        try ReleaseIndex.replace(layout.index, with: files)
        try layout.write([], to: "seal")
        let id = ReleaseID(commit: try commit(digit))
        try store.describe(id, deploy: deploy).save(to: layout)
        try store.complete(partial: partial, as: id)
        return id
    }

    func write(_ name: String, _ version: Int, in tree: FilePath) throws -> IndexedFile {
        let path = tree.appending(name)
        try FileManager.default.createDirectory(
            atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
        let content = Self.content(name, version)
        let mode: mode_t = name.hasSuffix("run") ? 0o755 : 0o644
        try Data(content).write(to: URL(fileURLWithPath: path.string))
        chmod(path.string, mode)
        var status = stat()
        try #require(lstat(path.string, &status) == 0)
        return IndexedFile(
            path: Array(name.utf8), mode: 0o100000 | Int(mode), size: content.count, blob: Self.id(of: content),
            inode: 0, modified: 0, changed: 0
        ).noted(as: status)
    }

    /// Whether a release has what its index says, and nothing else.
    func expectWhole(_ id: ReleaseID, but names: [String] = [], sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let root = app.release(id).root
        let index = try #require(ReleaseIndex.read(app.release(id).index), sourceLocation: sourceLocation)
        for file in index where !names.contains(file.shownPath) {
            let bytes = FileManager.default.contents(atPath: root.appending(file.shownPath).string)
            #expect(
                bytes.map { Self.id(of: Array($0)) } == file.blob
                    && mode(of: root.appending(file.shownPath)) == file.mode & 0o777,
                "\(file.shownPath) of \(id.short)", sourceLocation: sourceLocation)
        }
        let found = try FileManager.default.subpathsOfDirectory(atPath: root.string).filter {
            var status = stat()
            return !$0.hasPrefix(".pmo") && lstat(root.appending($0).string, &status) == 0
                && status.st_mode & S_IFMT != S_IFDIR
        }
        #expect(Set(found) == Set(index.map(\.shownPath)), sourceLocation: sourceLocation)
    }

    func inode(_ id: ReleaseID, _ name: String) -> ino_t {
        var status = stat()
        return lstat(app.release(id).root.appending(name).string, &status) == 0 ? status.st_ino : 0
    }

    /// Releases that are linked, written to, restored and removed, until the process is killed.
    func linkForEver() throws {
        let last = try store.newestFirst().first.map { try store.information($0).deploy } ?? 0
        for deploy in last + 1..<Int.max {
            try store.sweepPartials(except: [])
            let newest = try store.newestFirst()
            for name in ["d2/e/2", "d3/e/3"] {
                if let file = FileHandle(forWritingAtPath: app.release(newest[0]).root.appending(name).string) {
                    try file.write(contentsOf: Data("X".utf8))
                }
            }
            let id = try store.nextID(for: commit(Array("bcdef0123456789")[deploy % 15]))
            let linked = try #require(try store.link(deploy: deploy, except: [], asking: blobs))
            let files = try update(linked, ["top": deploy % 10])
            try ReleaseIndex.replace(ReleaseLayout(root: linked.partial).index, with: files)
            try ReleaseLayout(root: linked.partial).write([], to: "seal")
            _ = try store.verifyLinks(of: linked.partial, asking: blobs)
            _ = try store.linkUnchanged(of: linked.partial, asking: blobs)
            try store.describe(id, deploy: deploy).save(to: ReleaseLayout(root: linked.partial))
            try store.complete(partial: linked.partial, as: id)
            let old = newest.dropFirst(2)
            try store.keepingStamps(without: Set(old)) { for id in old { try store.remove(id) } }
        }
    }
}
