import Glibc

/// What a host's systemd can do for a unit.
public struct SystemdAbilities: Sendable, Equatable {
    /// Its version: 252 in Debian 12, 257 in Debian 13.
    public var version: Int
    /// Whether a user's manager runs the units, not the system's.
    public var isUser: Bool
    /// Whether a unit can have mounts of its own. A user's manager needs user namespaces for that, which a host may
    /// deny.
    public var canSandbox: Bool

    /// What it can do.
    public init(version: Int, isUser: Bool, canSandbox: Bool) {
        self.version = version
        self.isUser = isUser
        self.canSandbox = canSandbox
    }

    /// Asks the host.
    public static func ofHost(runner: any CommandRunner, isUser: Bool) async throws(HostError) -> SystemdAbilities {
        let said = try await runner.run(SystemdSupervisor.systemctl(["--version"], isUser: false))
        return SystemdAbilities(
            version: version(in: said.text), isUser: isUser,
            canSandbox: try await canSandbox(runner: runner, isUser: isUser))
    }

    /// Whether a unit can have mounts of its own there.
    static func canSandbox(runner: any CommandRunner, isUser: Bool) async throws(HostError) -> Bool {
        guard isUser else { return true }
        if SandboxWeakness.isByProgram {
            guard try await isConfinedLikeManager(runner: runner) else { return false }
        }
        let attempt = Command(
            executable: "unshare",
            arguments: ["--user", "--map-root-user", "--mount", "--", "mount", "--bind", "/usr", "/usr"])
        return try await runner.run(attempt, within: .seconds(10)).succeeded
    }

    /// Whether the user's manager has the profile that this process has: what the one may, the other may, too.
    static func isConfinedLikeManager(runner: any CommandRunner) async throws(HostError) -> Bool {
        let question = ["show", "--property=MainPID", "--value", "user@\(getuid()).service"]
        let manager = try await runner.run(SystemdSupervisor.systemctl(question, isUser: false))
        guard let pid = Int(manager.text.split(separator: "\n").first ?? ""), pid > 0 else { return false }
        let profile = ProcessGroup.text("/proc/\(pid)/attr/current")
        return profile != nil && profile == ProcessGroup.text("/proc/self/attr/current")
    }

    /// `systemd 252 (252.39-1~deb12u1)`: 252; 0 where it says something else.
    static func version(in text: String) -> Int {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count > 1, words[0] == "systemd" else { return 0 }
        return Int(words[1].prefix { $0.isNumber }) ?? 0
    }
}

/// Which supervisor a host has.
public enum SupervisorDetection {
    /// `systemd` where it runs and this user can reach a manager of it, else `runit`.
    public static func detect() -> String {
        hasSystemd && isInReach ? "systemd" : "runit"
    }

    /// Whether systemd runs, but no manager of this user's: its services would not be started at boot either.
    public static var lacksUserManager: Bool { hasSystemd && !isInReach }

    /// Whether what systemd runs for this user stays: that of a user's manager does where the user lingers (loginctl(1)).
    ///
    /// - Throws: `HostError.noUserManager` or `HostError.endsWithSession`.
    public static func requireLasting() throws(HostError) {
        guard hasSystemd, geteuid() != 0 else { return }
        let user = LocalUser.name
        guard isInReach else { throw .noUserManager(user: user) }
        guard access("/var/lib/systemd/linger/\(user)", F_OK) == 0 else { throw .endsWithSession(user: user) }
    }

    private static var hasSystemd: Bool { access("/run/systemd/system", F_OK) == 0 }
    private static var isInReach: Bool {
        geteuid() == 0 || answers("/run/user/\(getuid())/systemd/private")
    }

    /// Whether somebody listens at a socket: its file outlives a manager that was killed.
    static func answers(_ path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) == 0 }
        }
    }
}
