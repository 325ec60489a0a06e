import Foundation
import FreePorts
import Glibc
import Testing

/// An sshd of its own on loopback, whose `authorized_keys` the product writes.
final class SSHServer {
    let host: TestHost
    /// The file with the lines.
    let lines: String
    private let place: String
    private let port: Int
    private var server: Subprocess?
    /// What git needs to push through it, with the key that was made last.
    private(set) var environment: [String: String] = [:]

    init(_ host: TestHost) async throws {
        self.host = host
        place = host.root + "/ssh"
        lines = place + "/authorized_keys"
        port = try FreePort.next()
        try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        // Where sshd goes without its privileges; Debian's unit makes it (sshd(8), FILES).
        if geteuid() == 0 { mkdir("/run/sshd", 0o755) }
        try await host.keygen("\(place)/host_key")
        let settings = """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(place)/host_key
            AuthorizedKeysFile \(lines)
            PidFile none
            StrictModes no
            UsePAM no
            PermitRootLogin yes
            PasswordAuthentication no
            Subsystem sftp internal-sftp
            MaxStartups 200
            MaxSessions 200
            """
        try settings.write(toFile: place + "/sshd_config", atomically: true, encoding: .utf8)
        let server = try host.start("/usr/sbin/sshd", ["-D", "-e", "-f", place + "/sshd_config"], directory: "/")
        self.server = server
        try #require(try await eventually { server.said.contains("listening") || server.hasEnded })
        try #require(!server.hasEnded, "\(server.said)")
    }

    deinit { stop() }

    /// Ends it, and every connection with it.
    func stop() {
        if let server, !server.hasEnded { kill(-server.pid, SIGKILL) }
        server = nil
    }

    /// Makes a key and adds it to the host by `key add`.
    ///
    /// - Returns: the environment of a git that uses it.
    @discardableResult
    func makeKey(_ name: String, _ rights: String...) async throws -> [String: String] {
        try await host.addKey(name, in: place, rights)
        let command = (["ssh"] + options(of: name)).joined(separator: " ")
        environment = ["GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": "ssh"]
        return environment
    }

    /// An app's address for git.
    func url(_ app: String) -> String { "ssh://\(userName)@127.0.0.1:\(port)/\(app)" }

    /// Asks for a command as an ssh client does.
    func run(_ command: String, as key: String) async throws -> Ended { try await ssh([command], as: key) }

    /// Runs an ssh client with words of its own: options, or a command.
    func ssh(_ words: [String], as key: String) async throws -> Ended {
        let flags = words.prefix { $0 != words.last || $0.hasPrefix("-") }
        return try await host.run(
            "ssh",
            options(of: key) + ["-p", "\(port)"] + flags + ["\(userName)@127.0.0.1"] + words.dropFirst(flags.count),
            directory: "/", within: .seconds(60))
    }

    private func options(of key: String) -> [String] {
        [
            "-F", "/dev/null", "-i", "\(place)/\(key)", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o",
            "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
        ]
    }

    private var userName: String { getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "root" }
}

extension TestHost {
    /// Makes a key in a directory, and adds it to the host with its line in `authorized_keys` there.
    func addKey(_ name: String, in directory: String, _ rights: [String] = []) async throws {
        try await keygen("\(directory)/\(name)")
        let added = try await run(
            "pmo-release", ["key", "add", name, "--authorized-keys", "\(directory)/authorized_keys"] + rights,
            input: try String(contentsOfFile: "\(directory)/\(name).pub", encoding: .utf8))
        try #require(added.status == 0, "\(added)")
    }

    /// Makes a key, and its public half beside it.
    func keygen(_ file: String) async throws {
        let made = try await run(
            "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file], directory: "/")
        try #require(made.status == 0, "\(made)")
    }

    /// Starts an sshd for a key of that name, and makes `production` lead through it.
    func serveSSH(key: String = "alice") async throws -> SSHServer {
        let server = try await SSHServer(self)
        try await server.makeKey(key)
        try await git("remote", "set-url", "production", server.url(app))
        return server
    }
}
