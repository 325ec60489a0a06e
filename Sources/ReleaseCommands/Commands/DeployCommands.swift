import ArgumentParser
import DeployPipeline
import GitRepository
import ReleaseModel
import ReleaseStore

struct DeployCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy", abstract: "Build and make live a commit that the receiver has.")

    @Argument(help: ArgumentHelp("[<app>] <commit>, any unambiguous prefix.", valueName: "app-and-commit"))
    var words: [String]
    @OptionGroup var options: DeployOptions
    @OptionGroup var home: HomeOptions

    func validate() throws {
        guard (1...2).contains(words.count) else { throw ValidationError("deploy takes [<app>] <commit>") }
    }

    func run() async throws {
        let (layout, rest) = try home.app(leading: words, rest: 1)
        let host = try AppHost(opening: layout)
        let repository = try GitRepository(opening: layout.repository)
        let prefix = try CommitPrefix(rest[0])
        let commit: CommitID
        do {
            commit = try repository.resolve(prefix)
        } catch GitError.unknownCommit(let digits) {
            throw SelectionError.noSuchCommit(digits, layout.name)
        }
        try await DeployRequest(host, kind: .deploy, commit: commit, options: options.named).runInForeground()
    }
}

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Deploy the commit of the last deploy again.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @OptionGroup var options: DeployOptions
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        guard let last = try Ledger(host.layout).deploys(limit: 1).first else {
            throw DeployError.nothingLive(host.layout.name)
        }
        try await DeployRequest(host, kind: .retry, commit: last.commit, options: options.named).runInForeground()
    }
}

/// What a push says with `-o`, for the commands that deploy.
struct DeployOptions: ParsableArguments {
    @Flag(help: "Build with an empty cache, reuse no step's outputs, and start every service anew.") var noCache = false
    @Flag(help: "Leave the migration out.") var skipMigrate = false

    @Flag(help: "Also while the app is locked.") var force = false

    var named: [String] {
        (noCache ? ["no-cache"] : []) + (skipMigrate ? ["skip-migrate"] : []) + (force ? [DeployFreeze.force] : [])
    }
}

struct PruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove releases past the number that is kept.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Option(help: "How many releases that served to keep (default: the manifest's keep).") var keep: Int?
    @Flag(help: "Only say what would go.") var dryRun = false
    @OptionGroup var home: HomeOptions

    func validate() throws {
        if let keep, keep < 1 { throw ValidationError("--keep takes 1 or more") }
    }

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        let removed = try await withAppLock(host, "prune") {
            let manifest = try host.store.current().map { try host.store.manifest($0) }
            let keep = keep ?? manifest?.keep ?? 5
            try await Retirement(host).retireExpired()
            let prune = Prune(host, try? Ledger(host.layout))
            guard !dryRun else { return try prune.candidates(keep: keep) }
            let removed = try prune.run(keep: keep)
            if !removed.isEmpty {
                Caller.record("prune", removed.map(\.short).joined(separator: ", "), of: host.layout)
            }
            return removed
        }
        for release in removed { Output.line("\(dryRun ? "would remove" : "removed") \(release.short)") }
        if removed.isEmpty { Output.progress("nothing to remove") }
    }
}
