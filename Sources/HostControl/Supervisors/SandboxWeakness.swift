/// That services run with all that their user may write to and read: this host denies its users namespaces.
public struct SandboxWeakness: Sendable, Equatable, CustomStringConvertible {
    /// A command for root that lets them have namespaces; nil where none of the known settings is in the way.
    public var repair: String?

    /// What services are not held to.
    public var description: String { "services may write to what is not theirs: this host denies user namespaces" }

    /// The settings of the kernel that deny them: Ubuntu's since 23.10, Debian's, and the kernel's own
    /// (user_namespaces(7), namespaces(7)).
    private static let settings = [
        (name: "kernel.apparmor_restrict_unprivileged_userns", denies: "1", allows: "0"),
        (name: "kernel.unprivileged_userns_clone", denies: "0", allows: "1"),
        (name: "user.max_user_namespaces", denies: "0", allows: "15000"),
    ]

    /// What of the kernel's settings denies them.
    ///
    /// - Parameter root: where the settings are, `/proc/sys`.
    static func ofHost(below root: String = "/proc/sys") -> SandboxWeakness {
        let denying = settings.first { setting in
            let path = setting.name.split(separator: ".").joined(separator: "/")
            return ProcessGroup.text("\(root)/\(path)")?.split(separator: "\n").first == setting.denies[...]
        }
        return SandboxWeakness(
            repair: denying.map { "as root: sysctl -w \($0.name)=\($0.allows); keep it in /etc/sysctl.d" })
    }
}
