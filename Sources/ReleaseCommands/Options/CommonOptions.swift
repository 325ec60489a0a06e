import ArgumentParser
import DeployPipeline
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Where the apps are.
struct HomeOptions: ParsableArguments {
    @Option(help: "Where the apps are (default: $PMO_HOME, else /srv/pmo).")
    var home: String?

    /// The home as an absolute path.
    var layout: HostLayout { Self.layout(named: home) }

    /// The home that an option names; where there is none, that of the environment, else the usual one.
    static func layout(named home: String?) -> HostLayout {
        let named = home ?? getenv("PMO_HOME").map { String(cString: $0) } ?? "/srv/pmo"
        let path = FilePath(named)
        let absolute = path.isAbsolute ? path : workingDirectory.pushing(path).lexicallyNormalized()
        return HostLayout(home: absolute.resolved)
    }

    static var workingDirectory: FilePath {
        guard let buffer = getcwd(nil, 0) else { return "/" }
        defer { free(buffer) }
        return FilePath(String(cString: buffer))
    }

    /// The apps that the caller may see.
    func apps() throws -> [AppName] { try layout.apps().filter(Caller.sees) }

    /// The app of a name, or the only one.
    func app(_ name: String?) throws -> AppLayout {
        if let name { return try existing(name) }
        let all = try apps()
        guard let only = all.first else { throw SelectionError.noApps(layout.home.string) }
        guard all.count == 1 else { throw SelectionError.several(all.map(\.text)) }
        return layout.app(only)
    }

    private func existing(_ name: String) throws -> AppLayout {
        guard let app = try? AppName(name), Caller.sees(app), layout.app(app).exists else {
            throw DeployError.noSuchApp(name)
        }
        return layout.app(app)
    }

    /// Splits `[<app>] <rest>`: the first word is the app where there are more words than the rest needs.
    func app(leading words: [String], rest count: Int) throws -> (AppLayout, [String]) {
        guard words.count > count else { return (try app(nil), words) }
        return (try app(words[0]), Array(words.dropFirst()))
    }

    /// Splits `[<app>] [<word>]`: a single word is the app where there is one of that name.
    func app(optionally words: [String]) throws -> (AppLayout, String?) {
        if words.count >= 2 { return (try app(words[0]), words[1]) }
        guard let word = words.first else { return (try app(nil), nil) }
        if let name = try? AppName(word), Caller.sees(name), layout.app(name).exists {
            return (layout.app(name), nil)
        }
        return (try app(nil), word)
    }
}

/// Why a command does not know which app is meant.
enum SelectionError: HintedError {
    case noApps(String)
    case several([String])
    case notConfirmed(String)
    case noSuchCommit(String, AppName)
    case noSuchDeploy(Int, AppName)
    case logRemoved(Int, AppName)
    case nothing(String)

    var description: String {
        switch self {
        case .noApps(let home): "there is no app in \(home)"
        case .several(let names): "there are several apps: \(names.joined(separator: ", "))"
        case .notConfirmed(let name): "the name was not repeated; \(name) is untouched"
        case .noSuchCommit(let digits, _): "no commit here begins with \(digits.shown(limit: 60))"
        case .noSuchDeploy(let number, _): "there is no deploy \(number)"
        case .logRemoved(let number, _): "the log of deploy \(number) was removed: it is an old one"
        case .nothing(let what): what
        }
    }
    var hint: String? {
        switch self {
        case .noApps: "pmo-release create <app>, or name the home with --home"
        case .several(let names): "name one of them, as in: pmo-release \(Self.command(for: names[0]))"
        case .notConfirmed(let name): "pmo-release destroy \(name) --confirm \(name)"
        case .noSuchCommit(_, let app): "push it first; what has been deployed: pmo-release history \(app)"
        case .noSuchDeploy(_, let app), .logRemoved(_, let app): "pmo-release history \(app)"
        case .nothing: nil
        }
    }
    var outcome: ErrorOutcome { .refused }

    /// The command that this process runs, with an app's name in its place; values, which may be secret, left out.
    private static func command(for app: String) -> String {
        let words = CommandLine.arguments.dropFirst().prefix { !$0.hasPrefix("-") }
        guard let first = words.first else { return "list \(app)" }
        let isGroup = ["cache", "cert", "env", "key", "maintenance", "site"].contains(first)
        let count = isGroup ? 2 : 1
        let rest = words.dropFirst(count).map { word in
            word.firstIndex(of: "=").map { "\(word[...$0])…" } ?? word
        }
        return (Array(words.prefix(count)) + [app] + rest).joined(separator: " ").shown(limit: 120)
    }
}

/// Runs a command's work under the app's lock, after what was cut short before, and says what it waits for.
func withAppLock<Result>(
    _ host: AppHost, _ what: String, recovering: Bool = true, _ body: () async throws -> Result
) async throws -> Result {
    // A deploy that has just told its end holds the lock a moment longer, to tidy up: not worth a word.
    let quick = try AppLock.acquire(host.layout, wait: .milliseconds(500), holding: what, who: Caller.name)
    let lock =
        try quick
        ?? AppLock.acquire(host.layout, wait: .seconds(600), holding: what, who: Caller.name) { _ in
            Output.progress("waiting for \(LockWait(for: host.layout, try? Ledger(host.layout)).shown)")
        }
    guard let lock else {
        throw DeployError.busy(
            app: host.layout.name, holder: LockWait(for: host.layout, try? Ledger(host.layout)).shown)
    }
    defer {
        lock.release()
        // Also of what recovery has found live.
        try? Bake.resume(host, executable: Caller.executable)
    }
    // A ledger that cannot be read must not stand in the way of a rollback.
    if recovering { try? await Recovery(host, try? Ledger(host.layout)).runIfNeeded() }
    return try await body()
}

/// Who is at work: the ssh key's name where the restricted shell has set one, the user who was root before it became the
/// home's owner, else the local user.
enum Caller {
    static var name: String {
        let named = getenv("PMO_KEY") ?? getenv(HomeOwner.callerVariable)
        return named.map { String(cString: $0) } ?? ProcessOwner.name
    }

    /// Where the restricted shell names the apps of a key that is not for all.
    static let appsVariable = "PMO_KEY_APPS"

    /// Whether the caller may know of all apps.
    static var seesAll: Bool { getenv(appsVariable) == nil }

    /// Whether an app is there for the caller; the others are told like apps that are not there (A36).
    static func sees(_ app: AppName) -> Bool {
        guard let apps = getenv(appsVariable).map({ String(cString: $0) }) else { return true }
        return apps.split(separator: ",").contains(Substring(app.text))
    }

    /// Records what the caller has done. It is done: a ledger that cannot be written must not say otherwise.
    static func record(_ verb: String, _ detail: String = "", of app: AppLayout) {
        do {
            try Ledger(app).record(LedgerEvent(time: currentTime(), who: name, verb: verb, detail: detail))
        } catch {
            Output.progress("pmo-release: warning: not recorded in the ledger: \(Reason(error).sentence)")
        }
    }

    /// This program's own file.
    static var executable: String { ProcessOwner.program }
}
