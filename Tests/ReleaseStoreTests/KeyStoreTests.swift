import Foundation
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

@Suite("KeyStore")
struct KeyStoreTests {
    private static let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEBe4r+yMuZOoWQ2CIwCUt86oySsIVeoshB9+3PRWzlF"
    private static let other =
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDilAAQ7yqgTSXLH4MvbutrjFQ4kXurut22n/tpkaw5PcrhPBEIaYMlH5oGQjO1UTbUfqq66gk7Fxw5H268OAuI="

    @Test("lets a key in by a line with a forced command alone, and leaves lines of other hands as they are")
    func lines() throws {
        try withKeys { store, file in
            let foreign = "# the administrator's\n\(Self.other) root@example.org\n"
            try write(foreign, to: file)
            try store.add(key("alice", Self.line))
            let lines = try text(of: file).split(separator: "\n")
            #expect(lines.count == 3)
            #expect(try text(of: file).hasPrefix(foreign))
            #expect(lines.last?.hasPrefix("restrict,command=\"") == true)
            #expect(lines.last?.contains("pmo-release shell --key alice --home ") == true)
            #expect(lines.last?.hasSuffix("\" \(Self.line)") == true)
            #expect(try mode(file) == 0o600)
            _ = try store.remove(try KeyName("alice"))
            #expect(try text(of: file) == foreign)
        }
    }

    @Test("leaves each byte of other hands' lines, and takes its own out, whatever ends them")
    func foreignBytes() throws {
        try withKeys { store, file in
            let foreign = Array("\r\n\n# by hand\r\n\(Self.other) J".utf8) + [0xfc] + Array("rgen\r\n".utf8)
            try DurableFile.write(foreign, to: file)
            try store.add(key("alice", Self.line))
            #expect(throws: KeyError.foreignLine(path: file.string, line: 4)) { try store.add(key("bob", Self.other)) }
            #expect(try Array(DurableFile.read(file) ?? []).starts(with: foreign))
            _ = try store.remove(try KeyName("alice"))
            #expect(try DurableFile.read(file) == foreign)
        }
    }

    @Test("makes the directory as sshd wants it")
    func directory() throws {
        try withKeys { store, file in
            try store.add(key("alice", Self.line))
            #expect(try mode(file.removingLastComponent()) == 0o700)
        }
    }

    @Test("writes the line of the issue on a host whose home is the usual one")
    func usualHome() throws {
        let line = try KeyStore(HostLayout(home: "/srv/pmo")).line(of: key("alice", Self.line))
        #expect(line == "restrict,command=\"pmo-release shell --key alice\" \(Self.line)")
    }

    @Test(
        "refuses a home that would leave its place in the line (A32)", arguments: ["/srv/a b", "/srv/a\"b", "/srv/$x"])
    func oddHome(_ home: String) throws {
        let store = KeyStore(HostLayout(home: FilePath(home)))
        #expect(throws: KeyError.oddHome(home)) { try store.line(of: key("alice", Self.line)) }
    }

    @Test("refuses a second key of a name, a second name of a key, and one that another line lets in")
    func taken() throws {
        try withKeys { store, file in
            try store.add(key("alice", Self.line))
            let before = try text(of: file)
            #expect(throws: KeyError.nameTaken(try KeyName("alice"))) { try store.add(key("alice", Self.other)) }
            #expect(throws: KeyError.keyTaken(by: try KeyName("alice"))) { try store.add(key("bob", Self.line)) }
            try write(Self.other + " by hand\n", to: file)
            #expect(throws: KeyError.foreignLine(path: file.string, line: 1)) {
                try store.add(key("bob", Self.other))
            }
            try write(Self.other.replacing(" ", with: "\t") + " by hand\n", to: file)
            #expect(throws: KeyError.foreignLine(path: file.string, line: 1)) {
                try store.add(key("bob", Self.other))
            }
            try write(before, to: file)
            #expect(throws: KeyError.unknown(try KeyName("bob"), known: [try KeyName("alice")])) {
                try store.remove(try KeyName("bob"))
            }
            #expect(try text(of: file) == before)
            #expect(try store.keys().map(\.name.text) == ["alice"])
        }
    }

    @Test("leaves a link alone, and says where it leads")
    func link() throws {
        try withKeys { store, file in
            let target = file.removingLastComponent().appending("elsewhere")
            #expect(rename(file.string, target.string) == 0 && symlink("elsewhere", file.string) == 0)
            #expect(throws: KeyError.link(file, to: target.resolved)) { try store.add(key("alice", Self.line)) }
            let left = try text(of: target)
            #expect(left.isEmpty)
            #expect(try store.keys().isEmpty)
        }
    }

    @Test("loses nothing when many are added at once")
    func atOnce() async throws {
        try await withDirectory { home in
            let host = HostLayout(home: home.appending("h"))
            try host.createDirectories()
            let file = home.appending("authorized_keys")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        // A key of its own: an Ed25519 point is any 32 bytes.
                        let fields: [[UInt8]] = [Array("ssh-ed25519".utf8), Array(repeating: UInt8(number), count: 32)]
                        let blob: [UInt8] = fields.flatMap { [0, 0, 0, UInt8($0.count)] + $0 }
                        let line = "ssh-ed25519 \(Data(blob).base64EncodedString())"
                        try KeyStore(host).add(key("k\(number)", line), file: file)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try KeyStore(host).keys().count == 20)
            #expect(try text(of: file).split(separator: "\n").count == 20)
        }
    }

    private func withKeys(_ body: (KeyStore, FilePath) throws -> Void) throws {
        try withDirectory { home in
            let host = HostLayout(home: home.appending("h"))
            try host.createDirectories()
            let file = home.appending("ssh").appending("authorized_keys")
            // The first one says where the lines are.
            let store = KeyStore(host)
            let first = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            try store.add(key("first", first), file: file)
            _ = try store.remove(try KeyName("first"))
            try body(store, file)
        }
    }
}

private func key(_ name: String, _ line: String) throws -> AccessKey {
    try AccessKey(name: KeyName(name), key: PublicKey(Array(line.utf8)), can: [.push], added: 1, addedBy: "root")
}

private func mode(_ path: FilePath) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path.string)[.posixPermissions] as? Int
}
