import DeployPipeline
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

/// A hook of git's, run as `post-receive <name>`, or under the hook's own name where the binary itself was installed.
enum Hook: String {
    case preReceive = "pre-receive"
    case procReceive = "proc-receive"
    case postReceive = "post-receive"

    /// - Returns: nil where the program is called as a command.
    init?(program: String, arguments: [String]) {
        guard let own = Hook(rawValue: program) else { return nil }
        guard let first = arguments.first else {
            self = own
            return
        }
        guard let named = Hook(rawValue: first), arguments.count == 1 else { return nil }
        self = named
    }

    /// Runs the hook in the repository that git started it in.
    ///
    /// - Returns: the exit status.
    func run() async -> Int32 {
        do {
            let host = try Self.host()
            switch self {
            case .preReceive: return try PreReceiveHook(host).run()
            case .procReceive: return try await ProcReceiveHook(host).run()
            case .postReceive: return try await PostReceiveHook(host).run()
            }
        } catch {
            Output.progress("pmo-release: error: \(Reason(error).sentence)")
            if let hint = Reason(error).hint { Output.progress("hint: \(hint)") }
            return 1
        }
    }

    /// The app whose receiver this is: git starts hooks in the bare repository, `<home>/<app>/repo.git`.
    private static func host() throws -> AppHost {
        let root = HomeOptions.workingDirectory.removingLastComponent()
        let name = try AppName(root.lastComponent?.string ?? "")
        try HomeOwner.refuseForeignPush(in: root.removingLastComponent())
        return try AppHost(opening: HostLayout(home: root.removingLastComponent()).app(name))
    }
}

/// A ref that a push changes, as git tells its hooks (githooks(5)): `<old> <new> <ref>`.
struct RefUpdate: Equatable {
    let old: CommitID
    let new: CommitID
    let reference: String

    init?(_ line: String) {
        let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let old = try? CommitID(String(parts[0])), let new = try? CommitID(String(parts[1]))
        else {
            return nil
        }
        self.old = old
        self.new = new
        reference = String(parts[2])
    }

    static func fromInput() -> [RefUpdate] {
        var updates: [RefUpdate] = []
        while let line = readLine() { if let update = RefUpdate(line) { updates.append(update) } }
        return updates
    }
}

/// Who caused a deploy, so that the hooks of one push and the ssh shell know their own: the shell's mark, else the
/// `receive-pack` that runs the hooks.
enum PushOrigin {
    static var current: String {
        if let mark = getenv("PMO_ORIGIN").map({ String(cString: $0) }), !mark.isEmpty { return mark }
        return "push:\(getppid()):\(ProcessIdentity.of(pid: getppid())?.started ?? 0)"
    }
}
