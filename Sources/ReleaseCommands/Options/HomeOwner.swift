import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Root changes nothing in somebody else's home: it becomes the user that the home belongs to before anything there is
/// read, so that nothing that a pusher wrote is handled with root's rights, and no file is left that the owner cannot
/// change.
enum HomeOwner {
    /// Where the name of whoever became the owner is kept, for the ledger.
    static let callerVariable = "PMO_CALLER"

    /// Whether this process was root's and has become the owner.
    static var became: Bool { getenv(callerVariable) != nil }

    /// Commands that touch no home, and read what may be root's alone.
    private static let homeless: Set<String> = ["check", "completions", "export", "help", "--help", "-h", "--version"]

    /// Becomes the owner, where this process is root's and the home that the arguments mean is not. Nobody else sees
    /// enough of it to tell what is the matter with it.
    ///
    /// - Throws: `HomeOwnerError` where it cannot; nothing may be done then.
    static func become(for arguments: [String]) throws {
        guard let verb = arguments.first, !homeless.contains(verb) else { return }
        var status = stat()
        let home = HomeOptions.layout(named: named(in: arguments)).home
        guard stat(home.string, &status) == 0, status.st_uid != geteuid() else { return }
        guard geteuid() == 0 else { throw HomeOwnerError.notYours(home.string, verb: verb) }
        guard let entry = getpwuid(status.st_uid), let name = entry.pointee.pw_name.map({ String(cString: $0) }) else {
            throw HomeOwnerError.unknown(home.string, status.st_uid)
        }
        let group = entry.pointee.pw_gid
        let directory = entry.pointee.pw_dir.map { String(cString: $0) } ?? home.string
        let caller = getenv("SUDO_USER").map { String(cString: $0) } ?? "root"
        CallerFiles.open(namedIn: arguments)
        guard initgroups(name, group) == 0, setgid(group) == 0, setuid(status.st_uid) == 0, geteuid() != 0,
            getuid() != 0
        else { throw HomeOwnerError.failed(name, "\(Errno(rawValue: errno))") }
        for (key, value) in [("HOME", directory), ("USER", name), ("LOGNAME", name), (callerVariable, caller)] {
            setenv(key, value, 1)
        }
        setenv("XDG_RUNTIME_DIR", "/run/user/\(status.st_uid)", 1)
        unsetenv("DBUS_SESSION_BUS_ADDRESS")
        // What root makes for itself alone would be hidden from nginx and the services.
        umask(0o022)
        if access(".", R_OK | X_OK) != 0 { _ = chdir(home.string) }
    }

    /// What `--home` says, the last one if it stands there twice; nil where it does not.
    static func named(in arguments: [String]) -> String? {
        let words = arguments.prefix { $0 != "--" }
        let index = words.lastIndex { $0 == "--home" || $0.hasPrefix("--home=") }
        guard let index else { return nil }
        guard words[index] == "--home" else { return String(words[index].dropFirst("--home=".count)) }
        return index + 1 < words.endIndex ? words[index + 1] : nil
    }

    /// Refuses what git has begun as root in a receiver of somebody else's: root's objects would stop later pushes.
    static func refuseForeignPush(in home: FilePath) throws {
        var status = stat()
        guard geteuid() == 0, stat(home.string, &status) == 0, status.st_uid != 0 else { return }
        let name = getpwuid(status.st_uid).flatMap { $0.pointee.pw_name }.map { String(cString: $0) }
        throw HomeOwnerError.push(owner: name ?? "\(status.st_uid)")
    }
}

/// Why nothing is done as root.
enum HomeOwnerError: HintedError, Equatable {
    /// The home belongs to a number that no user has.
    case unknown(String, UInt32)
    /// It is another user's, who alone and root may ask.
    case notYours(String, verb: String)
    /// The system did not let this process become the owner.
    case failed(String, String)
    /// A push into the receiver's path, by root.
    case push(owner: String)

    var description: String {
        switch self {
        case .unknown(let home, let number): "\(home) belongs to user \(number), whom this host does not know"
        case .notYours(let home, _): "\(home) is another user's"
        case .failed(let name, let problem): "cannot go on as \(name), to whom the home belongs: \(problem)"
        case .push(let owner): "root does not push into the receiver of \(owner)"
        }
    }
    var hint: String? {
        switch self {
        case .unknown(let home, _): "chown -R pmo: \(home)"
        case .notYours(_, let verb): "sudo pmo-release \(verb.shown(limit: 20)) …"
        case .failed: "run it as that user"
        case .push(let owner): "git remote set-url production \(owner)@<host>:<app>"
        }
    }
    var outcome: ErrorOutcome { .refused }
}
