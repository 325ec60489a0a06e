import ArgumentParser
import DeployPipeline
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

struct LockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock", abstract: "Stop deploys, switches and rollbacks, until unlock.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Option(
        name: .short, parsing: .upToNextOption, help: ArgumentHelp("Why, for whoever is stopped.", valueName: "why"))
    var message: [String]
    @OptionGroup var home: HomeOptions

    func validate() throws {
        guard (1...500).contains(why.utf8.count) else { throw ValidationError("-m takes 1 to 500 bytes") }
    }

    func run() throws {
        let layout = try home.app(app)
        let freeze = DeployFreeze(who: Caller.name, why: why, since: currentTime())
        try changingFreeze(of: layout) {
            if let held = try DeployFreeze.of(layout) { throw LockError.held(layout.name, held) }
            try freeze.save(to: layout)
        }
        Caller.record("lock", why, of: layout)
        let running = (try? Ledger(layout).running()) ?? []
        for deploy in running where deploy.state == .running {
            Output.progress("deploy \(deploy.number) (\(deploy.commit.short)) runs already and goes on")
        }
        Output.progress("locked \(layout.name); pmo-release unlock \(layout.name)")
    }

    /// Over ssh the words come without the quotes that held them together.
    private var why: String { message.joined(separator: " ") }
}

struct UnlockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock", abstract: "Let deploys, switches and rollbacks go on.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @OptionGroup var home: HomeOptions

    func run() throws {
        let layout = try home.app(app)
        // One that cannot be read is what an unlock is for, too.
        guard access(layout.freeze) else { return Output.progress("\(layout.name) is not locked") }
        try changingFreeze(of: layout) { try DeployFreeze.remove(from: layout) }
        Caller.record("unlock", of: layout)
        Output.progress("unlocked \(layout.name)")
    }

    private func access(_ path: FilePath) -> Bool { Glibc.access(path.string, F_OK) == 0 }
}

/// No deploy is recorded meanwhile: once this returns, none begins that was not known before.
private func changingFreeze(of app: AppLayout, _ body: () throws -> Void) throws {
    guard let lock = try FileLock.acquire(app.requestLock, wait: .seconds(10)) else {
        throw LockError.busy(app.name)
    }
    defer { lock.release() }
    try body()
}

/// Why an app cannot be locked.
enum LockError: HintedError {
    case held(AppName, DeployFreeze)
    case busy(AppName)

    var description: String {
        switch self {
        case .held(let app, let freeze): "\(app) is locked already, \(freeze.shown)"
        case .busy(let app): "another command has been asking for a deploy of \(app) for 10 s"
        }
    }
    var hint: String? {
        switch self {
        case .held(let app, _): "pmo-release unlock \(app)"
        case .busy(let app): "pmo-release status \(app)"
        }
    }
    var outcome: ErrorOutcome { .refused }
}
