import Glibc
public import SystemPackage

/// Where build steps run: under bubblewrap, with the host read-only, the home of the apps hidden, and only the release
/// and the cache writable; or plainly, where bubblewrap cannot work.
public enum BuildSandbox: Sendable, Equatable {
    /// Under bubblewrap.
    case bubblewrap
    /// Without a sandbox, and why.
    case none(String)

    /// Tries it once.
    public static func detect(runner: any CommandRunner) async -> BuildSandbox {
        let probe = Command(executable: "bwrap", arguments: isolation + ["--", "/bin/true"])
        do {
            let result = try await runner.run(probe, within: .seconds(10))
            return result.succeeded ? .bubblewrap : .none(result.problem)
        } catch {
            return .none(error.description)
        }
    }

    private static let isolation = [
        "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--unshare-pid", "--unshare-ipc",
        "--unshare-uts", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
    ]

    /// Kills the sandboxes of a directory whose deploy is gone. They die with it by themselves, except where it was
    /// killed before bubblewrap could ask the kernel for that.
    public static func endLeftOvers(of directory: FilePath) {
        for pid in ProcessGroup.allPids() {
            guard let line = ProcessGroup.bytes("/proc/\(pid)/cmdline") else { continue }
            let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard words.first?.hasSuffix("bwrap") == true, words.contains(directory.string) else { continue }
            kill(pid, SIGKILL)
        }
    }

    /// Where the root helper has what it knows of all sites: their logs, their certificates, their configuration.
    public static let placesOfSites = ["/var/log/pmo-release", "/var/lib/pmo-release", "/etc/nginx/pmo-release"]

    /// What only root may read, where a build runs as root, too; what is other apps' business; and the sockets of the
    /// system's and the users' managers: they start outside what they are told to, and logind ends all that is its
    /// caller's. What resolves names is there (nsswitch.conf(5), resolv.conf(5)).
    private static var masks: [String] {
        var result: [String] = []
        for directory in ["/root", "/etc/ssh", "/run/user", "/run/dbus", "/run/systemd"] + placesOfSites
        where access(directory, F_OK) == 0 {
            result += ["--tmpfs", directory]
        }
        result += ["--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"]
        for file in ["/etc/shadow", "/etc/gshadow"] where access(file, F_OK) == 0 {
            result += ["--ro-bind", "/dev/null", file]
        }
        return result
    }

    /// The command of one step.
    ///
    /// - Parameters:
    ///   - step: a command line for `sh -eu -c`.
    ///   - release: where the release is on disk now.
    ///   - finalPath: where it will be, and where the step finds it: a venv holds that path.
    ///   - cache: a directory that outlives the build.
    ///   - hide: the home of the apps, with their receivers, ledgers, secrets and releases.
    ///   - writable: what else the step may write.
    ///   - alias: another path by which the step finds the release.
    ///   - isReadOnly: whether the step may not write to the release; takes a sandbox.
    ///   - environment: the step's whole environment; never in argv, which every user can read.
    public func command(
        step: String, release: FilePath, finalPath: FilePath, cache: FilePath, hide: FilePath,
        environment: [String: String], writable: [FilePath] = [], alias: FilePath? = nil,
        isReadOnly: Bool = false
    ) -> Command {
        let shell = ["/bin/sh", "-eu", "-c", step]
        switch self {
        case .none:
            return Command(
                executable: shell[0], arguments: Array(shell.dropFirst()), environment: environment,
                directory: finalPath)
        case .bubblewrap:
            let bind = isReadOnly ? "--ro-bind" : "--bind"
            var binds = ["--tmpfs", hide.string, bind, release.string, finalPath.string]
            // What the host itself reads of a release is out of reach: its units, its site, its environment.
            binds += ["--tmpfs", finalPath.appending(".pmo").string, "--bind", cache.string, cache.string]
            if let alias {
                binds += [bind, release.string, alias.string, "--tmpfs", alias.appending(".pmo").string]
            }
            for path in writable { binds += ["--bind", path.string, path.string] }
            binds += ["--chdir", finalPath.string]
            return Command(
                executable: "bwrap", arguments: Self.isolation + Self.masks + binds + ["--"] + shell,
                environment: environment)
        }
    }
}
