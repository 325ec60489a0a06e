import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

/// On a small file system of their own, which only root can make.
@Suite(.enabled(if: getuid() == 0, "needs root, to mount a small file system"))
struct FullDiskTests {
    @Test func `a rollback works with no block and no inode left (F18)`() throws {
        try onSmallDisk { (app) throws in
            let store = ReleaseStore(app)
            let old = try store.make(ReleaseID(commit: commit("a")), deploy: 1)
            let new = try store.make(ReleaseID(commit: commit("b")), deploy: 2)
            let other = try store.make(ReleaseID(commit: commit("c")), deploy: 3)
            try store.pointCurrent(at: old)
            try store.pointCurrent(at: new)
            let lock = try AppLock.acquire(app, wait: .zero, holding: "first")
            lock?.release()
            fill(app.shared)

            #expect(try AppLock.acquire(app, wait: .zero, holding: "rollback") != nil)
            #expect(try store.pointCurrent(at: old) > .zero)
            #expect(try store.current() == old)
            #expect(try store.previous() == new)

            let error = #expect(throws: StoreError.self) { try store.pointCurrent(at: other) }
            #expect(error?.description.hasSuffix("no space left on device") == true)
            #expect(error?.hint?.hasPrefix("df -h ") == true)
            #expect(try store.current() == old)
            #expect(try store.previous() == new)
        }
    }

    @Test func `values that cannot be written stay as they were (F15)`() throws {
        try onSmallDisk { (app) throws in
            let store = EnvironmentStore(app)
            let key = try EnvironmentKey("TOKEN")
            try store.update { $0[key] = "old" }
            fill(app.shared)
            #expect(throws: StoreError.self) { try store.update { $0[key] = String(repeating: "n", count: 100_000) } }
            #expect(try store.values() == [key: "old"])
            let directory = app.environmentFile.removingLastComponent()
            #expect(try names(in: directory) == ["lock", "values"])
        }
    }

    @Test func `a key whose line cannot be written is none, and what a killed writer left is swept`() throws {
        try onSmallDisk { (app) throws in
            try withDirectory { (home) throws in
                let host = HostLayout(home: home)
                try host.createDirectories()
                let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                let key = try AccessKey(
                    name: KeyName("alice"), key: PublicKey(Array(line.utf8)), can: [.push], added: 1, addedBy: "root")
                let file = app.shared.appending("authorized_keys")
                let leftover = app.shared.appending(".authorized_keys.4194305.1.1.tmp")
                #expect(creat(leftover.string, 0o600) >= 0)
                fill(app.shared)
                #expect(throws: StoreError.self) { try KeyStore(host).add(key, file: file) }
                #expect(try KeyStore(host).keys().isEmpty)
                let left = try names(in: app.shared)
                #expect(!left.contains { $0.hasSuffix(".tmp") } && !left.contains("authorized_keys"), "\(left)")
            }
        }
    }

    @Test func `what is left on a disk is told`() throws {
        try onSmallDisk { (app) throws in
            let before = try DiskSpace.available(at: app.root)
            #expect((1..<1 << 20).contains(before.bytes))
            #expect((1..<200).contains(before.inodes))
            fill(app.shared)
            let after = try DiskSpace.available(at: app.root)
            #expect(after.bytes == 0 && after.inodes == 0)
        }
    }

    private func onSmallDisk(_ body: (AppLayout) throws -> Void) throws {
        try withDirectory { (home) throws in
            try #require(try run("mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=200", "pmo-test", home.string) == 0)
            defer { _ = try? run("umount", "-l", home.string) }
            try body(makeApp("pmo", home: home))
        }
    }

    /// Takes every block, then every inode.
    private func fill(_ directory: FilePath) {
        let descriptor = open(directory.appending("blocks").string, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        let chunk = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, chunk, chunk.count) > 0 {}
        close(descriptor)
        var number = 0
        while mknod(directory.appending("inode\(number)").string, S_IFREG | 0o600, 0) == 0 { number += 1 }
    }
}
