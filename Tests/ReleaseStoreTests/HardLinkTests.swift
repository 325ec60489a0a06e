import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

struct HardLinkTests {
    @Test func `what two commits have in common is one file, and the rest is not`() throws {
        try withApp { app throws in
            let linked = LinkedApp(app)
            let first = try linked.export("a", deploy: 1)
            let (second, outcome) = try linked.link("b", deploy: 2, ["top": 1])
            let (third, _) = try linked.link("c", deploy: 3, ["top": 1, "d1/run": 2])
            #expect(outcome.base == first && outcome.missing.isEmpty && outcome.restored.isEmpty)
            #expect(linked.inode(first, "d2/e/2") == linked.inode(third, "d2/e/2"))
            #expect(linked.inode(first, "top") != linked.inode(second, "top"))
            #expect(linked.inode(second, "top") == linked.inode(third, "top"))
            #expect(linked.comparisons == 0, "stamps say it all")
            for id in [first, second, third] { try linked.expectWhole(id) }
        }
    }

    @Test func `a shared path is left out, and a release that was not sealed is not linked to`() throws {
        try withApp { app throws in
            let linked = LinkedApp(app)
            let first = try linked.export("a", deploy: 1)
            let some = try #require(
                try linked.store.link(deploy: 2, except: [Array("d2".utf8), Array("to".utf8)], asking: linked.blobs))
            #expect(some.missing == Set(LinkedApp.names.filter { $0.hasPrefix("d2/") }.map { Array($0.utf8) }))
            try linked.store.discard(partial: some.partial)
            unlink(app.release(first).seal.string)
            #expect(try linked.store.link(deploy: 2, except: [], asking: linked.blobs) == nil)
            #expect(try linked.store.sweepPartials(except: []).isEmpty)
        }
    }

    /// Ways to change a file that two releases have in common; the newer one's path is given.
    static let tampering: [(String, @Sendable (String) -> Void)] = [
        ("written in place", { overwrite($0, "X") }),
        ("truncated", { truncate($0, 0) }),
        (
            "appended to",
            { path in
                let file = open(path, O_WRONLY | O_APPEND)
                _ = write(file, "X", 1)
                close(file)
            }
        ),
        (
            "written by a mapping",
            { path in
                let file = open(path, O_RDWR)
                let page = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                close(file)
                page?.storeBytes(of: UInt8(ascii: "X"), as: UInt8.self)
                munmap(page, 4096)
            }
        ),
        (
            "written, with its times put back",
            { path in
                var status = stat()
                stat(path, &status)
                overwrite(path, "X")
                var times = [status.st_atim, status.st_mtim]
                utimensat(AT_FDCWD, path, &times, 0)
            }
        ),
        ("made writable to all", { chmod($0, 0o666) }),
        ("given a name elsewhere", { link($0, "\($0).elsewhere") }),
        (
            "given a name elsewhere, and written to by it",
            {
                link($0, "\($0).elsewhere")
                overwrite("\($0).elsewhere", "X")
            }
        ),
        (
            "grown", { truncate($0, 4096) }
        ),
    ]

    @Test(arguments: tampering.indices)
    func `a file that somebody wrote to is restored in every release that has it`(number: Int) throws {
        try withApp { app throws in
            let linked = LinkedApp(app)
            let first = try linked.export("a", deploy: 1)
            let (second, _) = try linked.link("b", deploy: 2)
            let tampered = linked.inode(second, "d2/e/2")
            // Held, so that its number is not given to another file.
            let held = open(app.release(second).root.appending("d2/e/2").string, O_RDONLY)
            defer { close(held) }
            Self.tampering[number].1(app.release(second).root.appending("d2/e/2").string)
            let (third, outcome) = try linked.link("c", deploy: 3)
            #expect(outcome.restored == [Array("d2/e/2".utf8)], "\(Self.tampering[number].0)")
            unlink(app.release(second).root.appending("d2/e/2.elsewhere").string)
            for id in [first, second, third] {
                try linked.expectWhole(id)
                #expect(linked.inode(id, "d2/e/2") != tampered)
            }
            #expect(linked.inode(first, "d3/e/3") == linked.inode(third, "d3/e/3"))
        }
    }

    @Test(arguments: tampering.indices)
    func `so it is where that happens after the links were made`(number: Int) throws {
        try withApp { app throws in
            let linked = LinkedApp(app)
            let first = try linked.export("a", deploy: 1)
            let partial = try #require(try linked.store.link(deploy: 2, except: [], asking: linked.blobs))
            try ReleaseIndex.replace(ReleaseLayout(root: partial.partial).index, with: partial.files)
            Self.tampering[number].1(app.release(first).root.appending("d2/e/2").string)
            let restored = try linked.store.verifyLinks(of: partial.partial, asking: linked.blobs)
            #expect(restored == [Array("d2/e/2".utf8)], "\(Self.tampering[number].0)")
            unlink(app.release(first).root.appending("d2/e/2.elsewhere").string)
            let files = try #require(ReleaseIndex.read(ReleaseLayout(root: partial.partial).index))
            let second = try linked.complete(partial.partial, "b", 2, files)
            for id in [first, second] { try linked.expectWhole(id) }
            let before = linked.comparisons
            let (third, outcome) = try linked.link("c", deploy: 3)
            #expect(outcome.missing.isEmpty && linked.comparisons == before, "its stamp is right")
            try linked.expectWhole(third)
        }
    }

    /// What is no change to the file that others have: a new file under its name, or none.
    static let replacing: [(String, @Sendable (String) -> Void)] = [
        ("removed", { unlink($0) }),
        (
            "replaced by rename",
            {
                FileManager.default.createFile(atPath: "\($0).new", contents: Data("d2/e/2, version X\n".utf8))
                rename("\($0).new", $0)
            }
        ),
        (
            "made a link",
            {
                unlink($0)
                symlink("/etc/passwd", $0)
            }
        ),
        (
            "made a directory",
            {
                unlink($0)
                mkdir($0, 0o755)
            }
        ),
        (
            "made a pipe",
            {
                unlink($0)
                mkfifo($0, 0o644)
            }
        ),
    ]

    @Test(arguments: replacing.indices) func `a file that was replaced is exported anew`(number: Int) throws {
        try withApp { app throws in
            let linked = LinkedApp(app)
            let first = try linked.export("a", deploy: 1)
            let (second, _) = try linked.link("b", deploy: 2)
            Self.replacing[number].1(app.release(second).root.appending("d2/e/2").string)
            let (third, outcome) = try linked.link("c", deploy: 3)
            #expect(
                outcome.missing == [Array("d2/e/2".utf8)] && outcome.restored.isEmpty, "\(Self.replacing[number].0)")
            for id in [first, third] { try linked.expectWhole(id) }
        }
    }

    @Test func `a directory that was made a link is not followed`() throws {
        try withApp { app throws in
            let linked = LinkedApp(app)
            let first = try linked.export("a", deploy: 1)
            rename(app.release(first).root.appending("d2").string, app.root.appending("d2").string)
            symlink(app.root.appending("d2").string, app.release(first).root.appending("d2").string)
            let (second, outcome) = try linked.link("b", deploy: 2)
            #expect(outcome.missing == Set(LinkedApp.names.filter { $0.hasPrefix("d2/") }.map { Array($0.utf8) }))
            try linked.expectWhole(second)
        }
    }

    @Test func `after a build only what it left alone becomes a link`() throws {
        try withApp { app throws in
            let linked = LinkedApp(app)
            let first = try linked.export("a", deploy: 1)
            let (second, _) = try linked.link("b", deploy: 2)
            overwrite(app.release(first).root.appending("d5/e/5").string, "X")
            let partial = try linked.store.makePartial(deploy: 3)
            let files = try LinkedApp.names.map { try linked.write($0, $0 == "top" ? 4 : 0, in: partial) }
            try ReleaseIndex.replace(ReleaseLayout(root: partial).index, with: files)
            overwrite(partial.appending("d2/e/2").string, "B")
            unlink(partial.appending("d3/e/3").string)
            link(partial.appending("d4/e/4").string, partial.appending("d4/e/4.built").string)
            let outcome = try #require(try linked.store.linkUnchanged(of: partial, asking: linked.blobs))
            #expect(outcome.base == second && outcome.restored == [Array("d5/e/5".utf8)])
            #expect(outcome.linked == LinkedApp.names.count - 5)
            let after = try #require(ReleaseIndex.read(ReleaseLayout(root: partial).index))
            #expect(Set(after.map(\.path)) == Set(files.map(\.path)))
            let third = try linked.complete(partial, "c", 3, after)
            #expect(linked.inode(third, "d6/e/6") == linked.inode(first, "d6/e/6"))
            #expect(linked.inode(third, "d2/e/2") != linked.inode(second, "d2/e/2"))
            #expect(try text(of: app.release(third).root.appending("d2/e/2")) == "B2/e/2, version 0\n")
            #expect(!exists(app.release(third).root.appending("d3/e/3")))
            for id in [first, second] { try linked.expectWhole(id) }
        }
    }

    @Test func `a release that goes costs the next one no look at contents`() throws {
        try withApp { app throws in
            let linked = LinkedApp(app)
            let first = try linked.export("a", deploy: 1)
            let (second, _) = try linked.link("b", deploy: 2)
            let (third, _) = try linked.link("c", deploy: 3, ["top": 1])
            try linked.store.keepingStamps(without: [first]) { try linked.store.remove(first) }
            #expect(try linked.link("d", deploy: 4).1.missing.isEmpty)
            #expect(linked.comparisons == 0)
            // The newest goes, as a deploy does whose health check failed.
            let fourth = ReleaseID(commit: try commit("d"))
            try linked.store.keepingStamps(without: [fourth]) { try linked.store.remove(fourth) }
            overwrite(app.release(second).root.appending("d2/e/2").string, "X")
            let (fifth, outcome) = try linked.link("e", deploy: 5)
            #expect(outcome.base == third && outcome.restored == [Array("d2/e/2".utf8)])
            #expect(linked.comparisons == 2, "what was written to, and what the fourth had in another version")
            // Without the notes each file is read once, and then no more.
            try linked.store.remove(second)
            let (sixth, _) = try linked.link("f", deploy: 6)
            #expect(linked.comparisons > LinkedApp.names.count / 2)
            for id in [third, fifth, sixth] { try linked.expectWhole(id) }
        }
    }

    @Test func `what is written while a release goes is found`() throws {
        try withApp { app throws in
            let linked = LinkedApp(app)
            let first = try linked.export("a", deploy: 1)
            let (second, _) = try linked.link("b", deploy: 2)
            let path = app.release(second).root.appending("d2/e/2").string
            overwrite(path, "X")
            try linked.store.keepingStamps(without: [first]) { try linked.store.remove(first) }
            let (third, outcome) = try linked.link("c", deploy: 3)
            #expect(outcome.missing == [Array("d2/e/2".utf8)], "nobody else has it now")
            try linked.expectWhole(third)
        }
    }

    @Test(.timeLimit(.minutes(5))) func `G1: a kill at any time leaves every release whole`() throws {
        try withDirectory { directory in
            let linked = LinkedApp(try makeApp("pmo", home: directory))
            _ = try linked.export("a", deploy: 1)
            var delays: [UInt32] = []
            for _ in 1...8 {
                let child = try ChildProcess(.link, in: directory)
                let begun = try linked.store.newestFirst()
                // It is at work once there is a release more.
                while try linked.store.newestFirst() == begun, kill(child.pid, 0) == 0 { usleep(500) }
                delays.append(UInt32.random(in: 0...80_000))
                usleep(delays[delays.count - 1])
                child.kill()
                #expect(child.wait() == -SIGKILL, "killed after \(delays) µs")
                for id in try linked.store.newestFirst() {
                    // What it had just written to itself, and not yet restored.
                    try linked.expectWhole(id, but: ["d2/e/2", "d3/e/3"])
                }
            }
            try linked.store.sweepPartials(except: [])
            #expect(try linked.store.link(deploy: 1_000_000, except: [], asking: linked.blobs) != nil)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a file system takes root"), arguments: ["xfs", "ext4"])
    func `a second release takes under three hundredths of the disk`(kind: String) throws {
        try withDisk(kind) { mount throws in
            let app = try makeApp("pmo", home: mount)
            let store = ReleaseStore(app)
            let partial = try store.makePartial(deploy: 1)
            var files: [IndexedFile] = []
            for number in 0..<400 {
                let path = partial.appending("\(number)")
                try Data(repeating: UInt8(number % 256), count: 100_000).write(to: URL(fileURLWithPath: path.string))
                chmod(path.string, 0o644)
                var status = stat()
                lstat(path.string, &status)
                files.append(
                    IndexedFile(
                        path: Array("\(number)".utf8), mode: 0o100644, size: 100_000,
                        blob: String(repeating: "1", count: 40), inode: 0, modified: 0, changed: 0
                    ).noted(as: status))
            }
            let linked = LinkedApp(app)
            _ = try linked.complete(partial, "a", 1, files)
            sync()
            let before = try DiskSpace.available(at: mount).bytes
            let outcome = try #require(try store.link(deploy: 2, except: [], asking: linked.blobs))
            _ = try linked.complete(outcome.partial, "b", 2, outcome.files)
            sync()
            let taken = before - (try DiskSpace.available(at: mount).bytes)
            #expect(outcome.files.count == 400)
            #expect(taken < 400 * 100_000 * 3 / 100, "took \(taken) bytes on \(kind)")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a file system takes root"))
    func `a file with as many names as ext4 allows is exported anew`() throws {
        try withDisk("ext4") { mount throws in
            let linked = LinkedApp(try makeApp("pmo", home: mount))
            let first = try linked.export("a", deploy: 1)
            let path = linked.app.release(first).root.appending("top").string
            let names = mount.appending("names")
            mkdir(names.string, 0o755)
            var count = 1
            while link(path, names.appending("\(count)").string) == 0 { count += 1 }
            #expect(count == 65_000)
            // As if all of these were releases.
            let index = linked.app.release(first).index
            var files = try #require(ReleaseIndex.read(index))
            var status = stat()
            lstat(path, &status)
            files = files.map { $0.shownPath == "top" ? $0.noted(as: status) : $0 }
            try ReleaseIndex.replace(index, with: files)
            let (second, outcome) = try linked.link("b", deploy: 2)
            #expect(outcome.missing == [Array("top".utf8)])
            try linked.expectWhole(second)
        }
    }

    /// A file system of its own, with the files that its kind needs.
    private func withDisk(_ kind: String, _ body: (FilePath) throws -> Void) throws {
        try withDirectory { place in
            let (image, mount) = (place.appending("disk").string, place.appending("mount"))
            mkdir(mount.string, 0o755)
            FileManager.default.createFile(atPath: image, contents: nil)
            truncate(image, 400 << 20)
            try #require(try run("mkfs.\(kind)", "-q", image) == 0)
            try #require(try run("mount", "-o", "loop", image, mount.string) == 0)
            defer { _ = try? run("umount", "--lazy", mount.string) }
            try body(mount)
        }
    }
}

/// Writes over the first bytes of a file.
private func overwrite(_ path: String, _ text: String) {
    let file = open(path, O_WRONLY)
    _ = write(file, text, text.utf8.count)
    close(file)
}
