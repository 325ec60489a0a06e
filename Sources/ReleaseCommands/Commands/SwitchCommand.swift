import ArgumentParser
import DeployPipeline
import ReleaseModel
import ReleaseStore

struct SwitchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switch", abstract: "Make a release on disk live.")

    @Argument(
        help: ArgumentHelp(
            "[<app>] <commit>, any unambiguous prefix: its newest build, or one by its number, as in 4f2c9ab.1.",
            valueName: "app-and-commit"))
    var words: [String]
    @Flag(help: "As JSON.") var json = false
    @Flag(help: "Also while the app is locked, and to a release that was found bad.") var force = false
    @OptionGroup var home: HomeOptions

    func validate() throws {
        guard (1...2).contains(words.count) else { throw ValidationError("switch takes [<app>] <commit>") }
    }

    func run() async throws {
        let (layout, rest) = try home.app(leading: words, rest: 1)
        let host = try AppHost(opening: layout)
        let prefix = try CommitPrefix(rest[0])
        try await SwitchReport.run(host, verb: "switch", json: json, force: force) {
            do {
                let release = try host.store.resolve(prefix)
                if !force, let reason = host.store.bad(release) {
                    throw DeployError.foundBad(release, host.layout.name, reason: reason)
                }
                return release
            } catch let error as StoreError {
                throw try pruned(prefix, host) ?? error
            }
        }
    }

    /// A release that is gone while its commit is known to the ledger.
    private func pruned(_ prefix: CommitPrefix, _ host: AppHost) throws -> DeployError? {
        guard let ledger = try? Ledger(host.layout), try !host.store.releases().contains(where: prefix.matches) else {
            return nil
        }
        let known = Set(try ledger.deploys(limit: 10_000).filter { $0.state == .live }.map(\.commit))
        let matching = known.filter { $0.text.hasPrefix(prefix.digits) }
        guard let commit = matching.first, matching.count == 1 else { return nil }
        return .pruned(commit: commit, app: host.layout.name)
    }
}

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Go back to the last release that served well.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Flag(help: "As JSON.") var json = false
    @Flag(help: "Also while the app is locked.") var force = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        try await SwitchReport.run(host, verb: "rollback", json: json, force: force) {
            try ReleaseSwitch(host).rollbackTarget()
        }
    }
}

/// What `switch` and `rollback` print.
private struct SwitchReport: Encodable {
    var from: ReleaseID?
    var to: ReleaseID
    var warm: Bool
    var renameMs: Double?
    var totalMs: Double

    static func run(
        _ host: AppHost, verb: String, json: Bool, force: Bool, target: () throws -> ReleaseID
    ) async throws {
        let begun = ContinuousClock.now
        if !force { try DeployFreeze.check(host.layout, forcible: true) }
        var telling = host
        telling.notice = Output.progress
        let outcome = try await withAppLock(host, verb) { [telling] in
            // Somebody may have put a stop on it while this one waited.
            if !force { try DeployFreeze.check(host.layout, forcible: true) }
            return try await ReleaseSwitch(telling).run(to: try target())
        }
        let report = SwitchReport(
            from: outcome.from, to: outcome.to, warm: outcome.wasWarm,
            renameMs: outcome.took.map { $0.inSeconds * 1000 },
            totalMs: (ContinuousClock.now - begun).inSeconds * 1000)
        if json { try Output.json(report) } else { Output.line(report.sentence(host.layout.name)) }
        guard outcome.took != nil else { return }
        // Somebody chose it nevertheless, and it serves.
        try? host.store.unmarkBad(outcome.to)
        // The switch holds without the two below: a ledger that cannot be written must not undo it.
        let from = outcome.from.map { "\($0.short) -> " } ?? ""
        Caller.record(verb, "\(from)\(outcome.to.short)", of: host.layout)
        try? Retirer.spawn(host, executable: Caller.executable)
    }

    private func sentence(_ app: AppName) -> String {
        guard let renameMs else { return "\(app): \(to.short) is live already" }
        let start = warm ? "warm" : "started again"
        return
            "\(app): \(from.map { "\($0.short) -> " } ?? "")\(to.short) live (\(start), rename \(renameMs.shown(decimals: 2)) ms)"
    }
}
