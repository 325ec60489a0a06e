import Glibc

/// That services run with all that their user may write to and read: this host denies its users namespaces.
public struct SandboxWeakness: Sendable, Equatable, CustomStringConvertible {
    /// A command for root that lets them have namespaces; nil where none of the known settings is in the way.
    public var repair: String?

    /// What services are not held to.
    public var description: String { "services may write to what is not theirs: this host denies user namespaces" }

    private static let byProgram = "kernel.apparmor_restrict_unprivileged_userns"

    /// The settings of the kernel that deny them: Ubuntu's since 23.10, Debian's, and the kernel's own
    /// (user_namespaces(7), namespaces(7)).
    private static let settings = [
        (name: byProgram, denies: "1", allows: "0"),
        (name: "kernel.unprivileged_userns_clone", denies: "0", allows: "1"),
        (name: "user.max_user_namespaces", denies: "0", allows: "15000"),
    ]

    /// Whether this host tells by a program's profile who may have namespaces.
    static var isByProgram: Bool { value(of: byProgram, below: "/proc/sys") == "1" }

    /// What of the kernel's settings denies them.
    ///
    /// - Parameters:
    ///   - root: where the settings are, `/proc/sys`.
    ///   - profile: the profile that the package brings, where it is installed.
    static func ofHost(
        below root: String = "/proc/sys", profile: String = "/usr/share/pmo-release/apparmor"
    ) -> SandboxWeakness {
        let denying = settings.first { value(of: $0.name, below: root) == $0.denies }
        guard let denying else { return SandboxWeakness(repair: nil) }
        guard denying.name != byProgram || access(profile, F_OK) != 0 else {
            let restart = "systemctl restart user@\(getuid()).service, which restarts the services"
            return SandboxWeakness(repair: "as root: dpkg-reconfigure pmo-release && \(restart)")
        }
        return SandboxWeakness(
            repair: "as root: sysctl -w \(denying.name)=\(denying.allows); keep it in /etc/sysctl.d")
    }

    private static func value(of name: String, below root: String) -> String? {
        let path = name.split(separator: ".").joined(separator: "/")
        return ProcessGroup.text("\(root)/\(path)")?.split(separator: "\n").first.map(String.init)
    }
}
