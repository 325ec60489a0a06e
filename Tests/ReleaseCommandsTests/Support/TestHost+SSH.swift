import Foundation
import Glibc
import Testing

/// A real sshd on loopback with one key, whose line in `authorized_keys` has the forced command. It ends with its value.
final class SSHServer {
    private let listener: Subprocess
    /// What git needs to push through it.
    let environment: [String: String]

    fileprivate init(_ listener: Subprocess, _ environment: [String: String]) {
        self.listener = listener
        self.environment = environment
    }
}

extension TestHost {
    /// Starts an sshd for a key of that name, and makes `production` lead through it.
    func serveSSH(key: String = "alice") async throws -> SSHServer {
        let place = "\(root)/sshd"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        for name in ["host", key] {
            let made = try await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(place)/\(name)"])
            try #require(made.status == 0, "\(made)")
        }
        let line = #"restrict,command="\#(Programs.release) shell --key \#(key) --home \#(home)" "#
        try (line + (text("\(place)/\(key).pub") ?? "")).write(
            toFile: "\(place)/authorized_keys", atomically: true, encoding: .utf8)
        // Where root starts it, sshd wants the directory that an init script makes.
        if geteuid() == 0 { mkdir("/run/sshd", 0o755) }
        let port = try Self.freePort()
        try Self.configuration(place, port).write(toFile: "\(place)/config", atomically: true, encoding: .utf8)
        let listener = try start("sshd", ["-D", "-e", "-f", "\(place)/config"], directory: "/")
        try #require(try await eventually { listener.said.contains("Server listening on") }, "\(listener.said)")
        let user = String(cString: getpwuid(geteuid()).pointee.pw_name)
        try await git("remote", "set-url", "production", "ssh://\(user)@127.0.0.1:\(port)/\(app)")
        let options = "-i \(place)/\(key) -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        return SSHServer(
            listener, ["GIT_SSH_COMMAND": "ssh -F /dev/null \(options)", "GIT_SSH_VARIANT": "ssh"])
    }

    private static func configuration(_ place: String, _ port: Int) -> String {
        """
        Port \(port)
        ListenAddress 127.0.0.1
        HostKey \(place)/host
        AuthorizedKeysFile \(place)/authorized_keys
        PidFile none
        StrictModes no
        UsePAM no
        MaxStartups 200
        MaxSessions 200
        PermitRootLogin prohibit-password
        PasswordAuthentication no

        """
    }
}
