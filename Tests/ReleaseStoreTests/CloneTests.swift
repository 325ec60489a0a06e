import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

struct CloneTests {
    @Test func `a copy has every file that nobody has written to, and shares nothing`() throws {
        try withApp { app throws in
            let (store, release) = try store(of: app, files: 300)
            let root = app.release(release).root
            try tamper(root.appending("d/7"))
            let clone = try #require(try store.clone(release, deploy: 2, copying: true))
            #expect(clone.missing == [Array("d/7".utf8)])
            #expect(clone.index.count == 301)
            try expectSame(clone, as: root, but: "d/7")
            try tamper(root.appending("d/8"))
            try tamper(clone.partial.appending("d/9"))
            #expect(try text(clone.partial.appending("d/8")) == "8 of 300\n")
            #expect(try text(root.appending("d/9")) == "9 of 300\n")
            #expect(try store.clone(release, deploy: 3, copying: false) == nil || clone.way != .copy)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a file system takes root"))
    func `on XFS the two share their blocks until one is written to`() throws {
        try withFileSystem("xfs", "-m", "reflink=1") { app throws in
            let (store, release) = try store(of: app, files: 40, bytes: 1 << 20)
            try expectShared(by: .reflink, store, release)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a file system takes root"))
    func `on btrfs a release is cloned as a snapshot, without what was built or changed in it`() throws {
        try withFileSystem("btrfs") { app throws in
            let (store, release) = try store(of: app, files: 40, bytes: 1 << 20, cloneable: true)
            let root = app.release(release).root
            mkdir(root.appending("built").string, 0o755)
            symlink("/etc", root.appending("built/link").string)
            mkdir(root.appending(".pmo/odd").string, 0o700)
            try tamper(root.appending("d/7"))
            let clone = try #require(try store.clone(release, deploy: 3, copying: false))
            #expect(clone.way == .snapshot && clone.missing == [Array("d/7".utf8)])
            for gone in ["built", ".pmo/odd", ".pmo/release.json", "d/7"] {
                #expect(!FileManager.default.fileExists(atPath: clone.partial.appending(gone).string), "\(gone)")
            }
            #expect(try text(root.appending("d/7")).hasPrefix("X of 40\n"))
            // It becomes a release as any other does, and goes like one: a subvolume is a directory to both.
            let next = ReleaseID(commit: try commit("b"))
            try store.describe(next, deploy: 3).save(to: ReleaseLayout(root: clone.partial))
            try store.complete(partial: clone.partial, as: next)
            try store.setAside(release)
            try store.removeSpare()
            try store.remove(next)
            #expect(try FileManager.default.contentsOfDirectory(atPath: app.releases.string) == [])
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a file system takes root"))
    func `on btrfs a snapshot shares its blocks until one is written to, and a plain directory is cloned by files`()
        throws
    {
        for cloneable in [true, false] {
            try withFileSystem("btrfs") { app throws in
                let (store, release) = try store(of: app, files: 40, bytes: 1 << 20, cloneable: cloneable)
                try expectShared(by: cloneable ? .snapshot : .reflink, store, release)
            }
        }
    }

    private func expectShared(by way: ReleaseStore.CloneWay, _ store: ReleaseStore, _ release: ReleaseID) throws {
        let root = store.app.release(release).root
        try settle(root)
        let before = try DiskSpace.available(at: root).bytes
        let clone = try #require(try store.clone(release, deploy: 2, copying: false))
        try settle(root)
        let taken = before - (try DiskSpace.available(at: root).bytes)
        #expect(clone.way == way && clone.missing.isEmpty)
        #expect(taken < 2 << 20, "40 MiB more on the disk took \(taken) bytes of it")
        try tamper(clone.partial.appending("d/9"))
        try tamper(root.appending("d/8"))
        for (tree, changed, whole) in [(clone.partial, "9", "8"), (root, "8", "9")] {
            #expect(try text(tree.appending("d/\(changed)")).hasPrefix("X of 40\n"))
            #expect(try text(tree.appending("d/\(whole)")).hasPrefix("\(whole) of 40\n"))
        }
    }

    /// Waits until what is on the file system is on its disk; that of other file systems may take minutes.
    private func settle(_ path: FilePath) throws { try run(["sync", "-f", path.string]) }

    private func withFileSystem(_ kind: String, _ flags: String..., body: (AppLayout) throws -> Void) throws {
        try withDirectory { place in
            let image = place.appending("disk").string
            let mount = place.appending("mount")
            mkdir(mount.string, 0o755)
            FileManager.default.createFile(atPath: image, contents: nil)
            truncate(image, 400 << 20)
            try run(["mkfs.\(kind)", "-q"] + flags + [image])
            try run(["mount", "-o", "loop", image, mount.string])
            defer { try? run(["umount", "--lazy", mount.string]) }
            try body(makeApp("pmo", home: mount))
        }
    }

    private func run(_ command: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command)")
    }

    private func text(_ path: FilePath) throws -> String { try String(contentsOfFile: path.string, encoding: .utf8) }

    private func tamper(_ path: FilePath) throws {
        let file = try #require(FileHandle(forWritingAtPath: path.string))
        try file.write(contentsOf: Data("X".utf8))
        try file.close()
    }

    private func expectSame(_ clone: ReleaseStore.Cloned, as root: FilePath, but name: String) throws {
        for file in clone.index.files where !clone.missing.contains(file.path) {
            let path = String(decoding: file.path, as: UTF8.self)
            var (one, other) = (stat(), stat())
            lstat(root.appending(path).string, &one)
            lstat(clone.partial.appending(path).string, &other)
            #expect(one.st_mode == other.st_mode && one.st_size == other.st_size && one.st_ino != other.st_ino)
            #expect(UInt64(other.st_ino) == file.inode, "the index tells of the new file")
        }
        #expect(!FileManager.default.fileExists(atPath: clone.partial.appending(name).string))
    }

    /// A store with a release of so many files in `d`, a link and an executable among them.
    private func store(of app: AppLayout, files count: Int, bytes: Int = 0, cloneable: Bool = false) throws -> (
        ReleaseStore, ReleaseID
    ) {
        let store = ReleaseStore(app)
        let release = ReleaseID(commit: try commit("a"))
        let partial = try store.makePartial(deploy: 1, cloneable: cloneable)
        mkdir(partial.appending("d").string, 0o755)
        let index = try ReleaseIndex(writingTo: ReleaseLayout(root: partial).index)
        let names = (0..<count).map { "d/\($0)" } + (bytes == 0 ? ["link"] : [])
        for (number, name) in names.enumerated() {
            let path = partial.appending(name).string
            if name == "link" {
                symlink("d/1", path)
            } else {
                let tail = Data(repeating: UInt8(ascii: "."), count: bytes)
                FileManager.default.createFile(atPath: path, contents: Data("\(number) of \(count)\n".utf8) + tail)
                chmod(path, number == 3 ? 0o755 : 0o644)
            }
            var status = stat()
            lstat(path, &status)
            let mode = name == "link" ? 0o120000 : Int(status.st_mode)
            try index.append(
                IndexedFile(
                    path: Array(name.utf8), mode: mode, size: Int(status.st_size),
                    blob: String(repeating: "1", count: 40), inode: UInt64(status.st_ino),
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
