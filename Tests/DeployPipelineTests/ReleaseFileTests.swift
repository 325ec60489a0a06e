import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import DeployPipeline

@Suite("ReleaseFile stays inside the release")
struct ReleaseFileTests {
    /// Lends a release and, beside it, what must not be reached.
    private func withRelease(_ body: (_ release: FilePath, _ outside: FilePath) throws -> Void) throws {
        var template = Array("/tmp/pmo-file-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Errno(rawValue: errno) }
        let root = FilePath(platformString: made)
        defer { try? FileManager.default.removeItem(atPath: root.string) }
        for name in ["release", "release/real", "outside"] { mkdir(root.appending(name).string, 0o755) }
        try Data("canary".utf8).write(to: URL(fileURLWithPath: root.appending("outside/secret").string))
        try body(root.appending("release"), root.appending("outside"))
    }

    @Test("What is written is read again, with its mode, and directories on the way are made")
    func roundTrip() throws {
        try withRelease { release, _ in
            let path = try ReleasePath("a/b/.env")
            try ReleaseFile.write(Array("A=1".utf8), to: path, in: release, mode: .ownerReadWrite)
            #expect(try ReleaseFile.read(path, in: release) == Array("A=1".utf8))
            try ReleaseFile.write(Array("B".utf8), to: path, in: release, mode: .ownerReadWrite)
            #expect(try ReleaseFile.read(path, in: release) == Array("B".utf8))
            var status = stat()
            #expect(lstat(release.appending("a/b/.env").string, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o600)
            #expect(ReleaseFile.isDirectory(try ReleasePath("a/b"), in: release))
            #expect(ReleaseFile.isDirectory(.root, in: release))
            #expect(!ReleaseFile.isDirectory(path, in: release))
            #expect(!ReleaseFile.isDirectory(try ReleasePath("none"), in: release))
        }
    }

    @Test(
        "A37: a directory that was swapped for a link is not followed", arguments: ["../outside", "/tmp", "real", "."])
    func swappedDirectory(_ target: String) throws {
        try withRelease { release, outside in
            #expect(symlink(target, release.appending("link").string) == 0)
            #expect(symlink("../../outside", release.appending("real/link").string) == 0)
            for name in ["link/secret", "real/link/secret", "link/new/deep", "real/link/new"] {
                let path = try ReleasePath(name)
                #expect(throws: Errno.self) { try ReleaseFile.read(path, in: release) }
                #expect(throws: Errno.self) {
                    try ReleaseFile.write([1], to: path, in: release, mode: .ownerReadWrite)
                }
            }
            #expect(!ReleaseFile.isDirectory(try ReleasePath("link"), in: release))
            #expect(try FileManager.default.contentsOfDirectory(atPath: outside.string) == ["secret"])
            #expect(ReleaseFile.text(outside.appending("secret")) == "canary")
        }
    }

    @Test("A37: a link in the place of a file is not read, and is replaced, not written through")
    func swappedFile() throws {
        try withRelease { release, outside in
            let path = try ReleasePath("file")
            #expect(symlink("../outside/secret", release.appending("file").string) == 0)
            #expect(throws: Errno.tooManySymbolicLinkLevels) { try ReleaseFile.read(path, in: release) }
            try ReleaseFile.write(Array("own".utf8), to: path, in: release, mode: .ownerReadWrite)
            #expect(try ReleaseFile.read(path, in: release) == Array("own".utf8))
            #expect(ReleaseFile.text(outside.appending("secret")) == "canary")
        }
    }

    @Test("A37: a hard link in the place of a file is replaced, not written through")
    func hardLink() throws {
        try withRelease { release, outside in
            #expect(link(outside.appending("secret").string, release.appending("file").string) == 0)
            try ReleaseFile.write([1], to: ReleasePath("file"), in: release, mode: .ownerReadWrite)
            #expect(ReleaseFile.text(outside.appending("secret")) == "canary")
        }
    }

    @Test("A37: a release that is itself a link is refused")
    func linkedRelease() throws {
        try withRelease { release, outside in
            let linked = outside.removingLastComponent().appending("linked")
            #expect(symlink("outside", linked.string) == 0)
            let path = try ReleasePath("secret")
            #expect(throws: Errno.self) { try ReleaseFile.read(path, in: linked) }
        }
    }

    @Test("A directory in the place of a file is an error, and stays")
    func directoryInTheWay() throws {
        try withRelease { release, _ in
            let path = try ReleasePath("real")
            #expect(throws: Errno.self) {
                try ReleaseFile.write([1], to: path, in: release, mode: .ownerReadWrite)
            }
            #expect(throws: Errno.self) { try ReleaseFile.write([1], to: .root, in: release, mode: .ownerReadWrite) }
            #expect(ReleaseFile.isDirectory(path, in: release))
        }
    }

    @Test("A37: what is no regular file is not read, and nothing waits for it", .timeLimit(.minutes(10)))
    func fifo() throws {
        try withRelease { release, _ in
            #expect(mkfifo(release.appending("fifo").string, 0o644) == 0)
            for name in ["fifo", "real"] {
                #expect(throws: Errno.self) { try ReleaseFile.read(ReleasePath(name), in: release) }
            }
        }
    }
}
