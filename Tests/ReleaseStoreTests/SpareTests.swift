import CLinux
import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

struct SpareTests {
    @Test func `an index is read as it was written, and a damaged one is none`() throws {
        try withDirectory { place in
            let entries = [
                IndexedFile(
                    path: Array("a b\n".utf8) + [0xff], mode: 0o100755, size: 7,
                    blob: String(repeating: "a", count: 40),
                    inode: .max, modified: 5, changed: 1_700_000_000_000_000_001),
                IndexedFile(
                    path: Array("l".utf8), mode: 0o120000, size: 0, blob: String(repeating: "0", count: 40), inode: 1,
                    modified: 0, changed: 0),
            ]
            let path = place.appending("index")
            let index = try ReleaseIndex(writingTo: path)
            for entry in entries { try index.append(entry) }
            try index.close()
            #expect(ReleaseIndex.read(path) == entries)
            #expect(index.newest == 1_700_000_000_000_000_001)
            let bytes = try #require(FileManager.default.contents(atPath: path.string))
            for length in 0..<bytes.count {
                try bytes.prefix(length).write(to: URL(fileURLWithPath: path.string))
                #expect(ReleaseIndex.read(path) == nil, "cut after \(length) bytes")
            }
            #expect(ReleaseIndex.read(place.appending("none")) == nil)
        }
    }

    /// What a build or a service may do to a tracked file; each must be noticed, whatever it does to hide it.
    static let tampering: [(String, @Sendable (String) -> Void)] = [
        (
            "written in place, with its times put back",
            { path in
                var status = stat()
                stat(path, &status)
                let file = open(path, O_WRONLY)
                _ = write(file, "X", 1)
                close(file)
                var times = [status.st_atim, status.st_mtim]
                utimensat(AT_FDCWD, path, &times, 0)
            }
        ),
        (
            "replaced by one of the same size",
            { path in
                unlink(path)
                FileManager.default.createFile(atPath: path, contents: Data("kept\n".utf8))
            }
        ),
        ("made executable", { chmod($0, 0o755) }),
        ("given a second name", { link($0, "\($0).second") }),
        ("removed", { unlink($0) }),
        (
            "made a directory",
            {
                unlink($0); mkdir($0, 0o755); mkdir("\($0)/in", 0o700)
            }
        ),
        (
            "made a link",
            {
                unlink($0); symlink("/etc/passwd", $0)
            }
        ),
        (
            "made a pipe",
            {
                unlink($0); mkfifo($0, 0o644)
            }
        ),
    ]

    @Test(arguments: tampering.indices) func `a file that was touched is not kept`(number: Int) throws {
        try withApp { app throws in
            let (store, release) = try spare(app)
            Self.tampering[number].1(app.release(release).root.appending("d/tracked").string)
            try store.setAside(release)
            let recycled = try #require(try store.recycleSpare(deploy: 2))
            #expect(recycled.missing == [Array("d/tracked".utf8)], "\(Self.tampering[number].0)")
            #expect(recycled.index.count == 2)
            let found = try FileManager.default.subpathsOfDirectory(atPath: recycled.partial.string)
            #expect(found.filter { !$0.hasPrefix(".pmo") }.sorted() == ["d", "top"])
        }
    }

    @Test func `what a build left behind goes, and every directory has its mode`() throws {
        try withApp { app throws in
            let (store, release) = try spare(app)
            let root = app.release(release).root.string
            try FileManager.default.createDirectory(
                atPath: root + "/node_modules/deep/er", withIntermediateDirectories: true)
            FileManager.default.createFile(atPath: root + "/d/built.js", contents: Data("built".utf8))
            chmod(root + "/d", 0o700)
            // acl(5): version 2, then tag, rights and id of each entry; all that is made in there would be the group's.
            let entries: [(Int16, Int16)] = [(1, 7), (4, 7), (32, 0)]
            var list = withUnsafeBytes(of: Int32(2)) { Array($0) }
            for (tag, rights) in entries {
                for number in [tag, rights, -1, -1] { list += withUnsafeBytes(of: number) { Array($0) } }
            }
            for directory in [root, root + "/d"] {
                try #require(setxattr(directory, "system.posix_acl_default", list, list.count, 0) == 0, "\(errno)")
                try #require(setxattr(directory, "user.note", "old", 3, 0) == 0)
            }
            try store.setAside(release)
            let recycled = try #require(try store.recycleSpare(deploy: 2))
            #expect(recycled.missing.isEmpty && recycled.index.count == 2)
            let found = try FileManager.default.subpathsOfDirectory(atPath: recycled.partial.string)
            #expect(found.filter { !$0.hasPrefix(".pmo") }.sorted() == ["d", "d/tracked", "top"])
            var status = stat()
            lstat(recycled.partial.appending("d").string, &status)
            #expect(status.st_mode & 0o7777 == 0o755)
            #expect(listxattr(recycled.partial.appending("d").string, nil, 0) == 0)
            #expect(listxattr(recycled.partial.string, nil, 0) == 0)
            #expect(!FileManager.default.fileExists(atPath: recycled.partial.appending(".pmo/release.json").string))
            #expect(try store.recycleSpare(deploy: 3) == nil, "there is one spare, once")
        }
    }

    @Test func `a release in use is never the spare, and the spare is no release`() throws {
        try withApp { app throws in
            let (store, release) = try spare(app)
            try store.pointCurrent(at: release)
            #expect(throws: StoreError.self) { try store.setAside(release) }
            let next = try store.make(ReleaseID(commit: try commit("b")), deploy: 2)
            try store.pointCurrent(at: next)
            #expect(throws: StoreError.self, "previous") { try store.setAside(release) }
            let last = try store.make(ReleaseID(commit: try commit("c")), deploy: 3)
            try store.pointCurrent(at: last)
            try store.setAside(release)
            #expect(try store.releases() == [next, last])
            #expect(try store.sweepPartials(except: []).isEmpty, "it is nobody's leftover")
        }
    }

    /// A release with two tracked files and their index.
    private func spare(_ app: AppLayout) throws -> (ReleaseStore, ReleaseID) {
        let store = ReleaseStore(app)
        let release = ReleaseID(commit: try commit("a"))
        let partial = try store.makePartial(deploy: 1)
        mkdir(partial.appending("d").string, 0o755)
        let index = try ReleaseIndex(writingTo: ReleaseLayout(root: partial).index)
        for name in ["top", "d/tracked"] {
            let path = partial.appending(name).string
            FileManager.default.createFile(atPath: path, contents: Data("kept\n".utf8))
            chmod(path, 0o644)
            var status = stat()
            lstat(path, &status)
            try index.append(
                IndexedFile(
                    path: Array(name.utf8), mode: 0o100644, size: 5, blob: String(repeating: "1", count: 40),
                    inode: UInt64(status.st_ino),
                    modified: status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec,
                    changed: status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec))
        }
        try index.close()
        FileClock.pass(index.newest)
        try store.describe(release, deploy: 1).save(to: ReleaseLayout(root: partial))
        try store.complete(partial: partial, as: release)
        return (store, release)
    }
}
