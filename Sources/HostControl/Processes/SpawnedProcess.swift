import CLinux
import Glibc
import SystemPackage

/// A child process, started with exactly the descriptors, environment and signals that it should have.
struct SpawnedProcess {
    let pid: Int32

    /// How a child stands to this process's group and session.
    enum Group { case own, session, shared }

    /// - Parameter descriptors: what becomes 0, 1 and 2; every other one is closed.
    init(
        _ command: Command, descriptors: (Int32, Int32, Int32), group: Group
    ) throws(HostError) {
        let program = command.executable.contains("/") ? command.executable : try HostPrograms.find(command.executable)
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, descriptors.0, 0)
        posix_spawn_file_actions_adddup2(&actions, descriptors.1, 1)
        posix_spawn_file_actions_adddup2(&actions, descriptors.2, 2)
        if let directory = command.directory { posix_spawn_file_actions_addchdir_np(&actions, directory.string) }
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        Self.configure(&attributes, group)
        let words = [program] + command.arguments
        let pairs = command.environment.map { "\($0.key)=\($0.value)" }
        var child: pid_t = 0
        let code = withCStrings(words) { argv in
            withCStrings(pairs) { envp in posix_spawn(&child, program, &actions, &attributes, argv, envp) }
        }
        guard code == 0 else {
            throw .spawn(program: program, code: code, message: "\(Errno(rawValue: code))")
        }
        pid = child
    }

    /// The child starts with the default signals: what this process ignores would be ignored there too.
    private static func configure(_ attributes: inout posix_spawnattr_t, _ group: Group) {
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        var all = sigset_t()
        sigemptyset(&all)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGUSR1, SIGUSR2] { sigaddset(&all, signal) }
        posix_spawnattr_setsigdefault(&attributes, &all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        switch group {
        case .own:
            flags |= POSIX_SPAWN_SETPGROUP
            posix_spawnattr_setpgroup(&attributes, 0)
        case .session: flags |= 0x80  // POSIX_SPAWN_SETSID (spawn.h; hidden behind a feature macro)
        case .shared: break
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    /// Waits for the end.
    ///
    /// - Returns: nil while it runs, where `blocking` is false.
    func wait(blocking: Bool) -> (status: Int32, signal: Int32?)? {
        var raw: Int32 = 0
        var result: pid_t
        repeat { result = waitpid(pid, &raw, blocking ? 0 : WNOHANG) } while result < 0 && errno == EINTR
        if result == 0 { return nil }
        guard result == pid else { return (1, nil) }
        let signal = raw & 0x7f
        return signal == 0 ? ((raw >> 8) & 0xff, nil) : (0, signal)
    }
}

/// Strings as the NULL-ended array of C strings that exec takes.
private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let pointers = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
}
