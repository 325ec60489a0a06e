import Glibc

/// Where other programs are found, and which Debian package brings them.
public enum HostPrograms {
    /// The directories that are searched.
    public static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The environment of programs that need nothing of their own.
    public static let environment = ["PATH": path, "LANG": "C.UTF-8"]

    private static let packages = [
        "nginx": "nginx-light", "runsvdir": "runit", "runsv": "runit", "sv": "runit", "chpst": "runit",
        "svlogd": "runit", "bwrap": "bubblewrap", "python3": "python3-venv", "node": "nodejs", "yarn": "yarnpkg",
        "systemctl": "systemd", "ssh": "openssh-client", "ssh-keygen": "openssh-client",
    ]

    /// The absolute path of a program.
    ///
    /// - Throws: `HostError.missingProgram` with the package that brings it.
    public static func find(_ name: String) throws(HostError) -> String {
        for directory in path.split(separator: ":") {
            let candidate = "\(directory)/\(name)"
            if access(candidate, X_OK) == 0 { return candidate }
        }
        throw .missingProgram(name: name, package: packages[name] ?? name)
    }
}
