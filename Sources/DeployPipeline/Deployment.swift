import FailPoints
import GitRepository
import HostControl
public import ReleaseModel
public import ReleaseStore
import SiteTemplates
import SystemPackage

/// One attempt to make a commit live. `run` tells it as a story: a verb a step, its undo beside it.
///
/// The caller holds the app's lock.
public struct Deployment: Sendable {
    let host: AppHost
    let ledger: Ledger
    let log: DeployLog
    let deploy: Deploy
    let intents: IntentStore
    let begun = ContinuousClock.now

    /// A deploy that is recorded and about to run.
    public init(_ deploy: Deploy, host: AppHost, ledger: Ledger, log: DeployLog) {
        var host = host
        host.notice = { log.output($0.shown(limit: 300)) }
        self.deploy = deploy
        self.host = host
        self.ledger = ledger
        self.log = log
        intents = IntentStore(host.layout)
    }

    /// Runs the deploy to its end and records that end.
    ///
    /// - Returns: the deploy as recorded: live, or failed with its reason.
    public func run() async -> Deploy {
        log.headline(
            "\(host.layout.name): deploying \(deploy.commit.short) (\(deploy.branch.shown(limit: 40))) by \(deploy.who.shown(limit: 30))",
            right: "deploy \(deploy.number)")
        do {
            let release = try await makeLive()
            do {
                return try await announce(release)
            } catch {
                // Live, and not to be told yet: the entry stays open, and recovery closes it once the ledger can be written.
                log.output("\(release.short) is live; not recorded: \(Reason(error).sentence)")
                log.finish()
                return deploy
            }
        } catch {
            return await giveUp(error)
        }
    }

    private func makeLive() async throws -> ReleaseID {
        let plan = try await prepare()
        let partial = try export(plan)
        do {
            try await configure(plan, partial)
            try await build(plan, partial)
            try share(plan, partial)
            try complete(plan, partial)
        } catch {
            try? host.store.discard(partial: partial)
            try? removeStandIn(plan.release)
            // It has its name where the directory could not be synced: what is there is not built upon (F20).
            if host.store.isComplete(plan.release) { discard(plan.release, since: error) }
            throw error
        }
        do {
            try await migrate(plan)
            let placements = try await start(plan)
            do {
                try await check(plan, placements)
                try await goLive(plan)
            } catch  where !isLive(plan.release) {
                await ServiceSlots(host).takeBack(placements)
                throw error
            }
        } catch  where !isLive(plan.release) {
            discard(plan.release, since: error)
            throw error
        }
        return plan.release
    }

    /// Marked first, so that nobody goes to it where it cannot be removed.
    private func discard(_ release: ReleaseID, since error: any Error) {
        try? host.store.markBad(release, reason: Reason(error).sentence)
        try? host.keepingLinkStamps(without: [release]) { try host.store.remove(release) }
    }

    private func isLive(_ release: ReleaseID) -> Bool { (try? host.store.current()) == release }

    /// Told only now: the switch is on disk and in the ledger.
    private func announce(_ release: ReleaseID) async throws -> Deploy {
        let manifest = try host.store.manifest(release)
        let ended = try ledger.update(deploy.number) {
            $0.state = .live
            $0.release = release
            $0.finished = currentTime()
        }
        try? intents.remove(deploy.number)
        ledger.tellEnd(of: deploy, "live")
        let previous = try? host.store.previous()
        log.live(host.url(of: manifest), total: ContinuousClock.now - begun)
        if previous == nil, await hasPlaceholder(manifest) {
            log.output("its certificate is a placeholder until: pmo-release cert issue \(host.layout.name)")
        }
        if let previous, previous != release { log.output("undo: pmo-release rollback \(host.layout.name)") }
        log.finish()
        // What follows cannot fail the deploy: it is live.
        await tidy(keeping: manifest.keep)
        return ended
    }

    /// Whether nginx shows a certificate that nobody has signed. Asked of the first deploy alone: it takes a handshake.
    private func hasPlaceholder(_ manifest: Manifest) async -> Bool {
        guard host.hostSettings.hasHostNginx, !manifest.sites.isEmpty else { return false }
        let helper = HostNginx.helper(host.hostSettings, runner: host.runner)
        let shown = try? await helper.certificates(of: host.layout.name, within: .seconds(10))
        return shown?.contains { $0.state == .placeholder } == true
    }

    private func giveUp(_ error: any Error) async -> Deploy {
        let reason = Reason(error)
        let serving = (try? host.store.current()).flatMap { $0 }
        var (still, hint) = (serving.map { "; \($0.short) still serves" } ?? "", reason.hint)
        if let serving, let start = await host.nginxStart(for: serving) {
            still = "; \(serving.short) is live, but nginx does not run"
            hint = hint ?? start
        }
        let phase = (try? ledger.deploy(deploy.number))?.phase
        log.failure("failed in \(phase?.rawValue ?? "receive"): \(reason.sentence)\(still)")
        if let hint { log.output("hint: \(hint)") }
        // Over what the ledger has now: a push may have attached since.
        func end(_ deploy: inout Deploy) {
            deploy.state = .failed
            deploy.reason = reason.sentence + still
            deploy.phase = phase
            deploy.finished = currentTime()
        }
        var ended = deploy
        end(&ended)
        log.finish()
        DeployReference.remove(deploy.number, of: host)
        ledger.tellEnd(of: deploy, "failed: \(reason.sentence)\(still)")
        guard let recorded = try? ledger.update(deploy.number, end) else { return ended }
        try? intents.remove(deploy.number)
        return recorded
    }

    /// Runs a phase between two entries of the ledger.
    func phase<Result>(_ phase: Phase, _ body: () async throws -> (Result, detail: String)) async throws -> Result {
        try begin(phase)
        let (result, detail) = try await body()
        try ledger.end(phase, of: deploy.number, at: currentTime(), detail: detail)
        return result
    }

    /// Writes down what is about to be done: the intent first, since the ledger may be lost.
    func begin(_ phase: Phase) throws {
        if var intent = intents.intent(deploy.number) {
            intent.phase = phase
            try intents.save(intent, durable: false)
        }
        try ledger.begin(phase, of: deploy.number, at: currentTime())
    }
}

/// What every step of a deploy knows.
struct DeployPlan: Sendable {
    let release: ReleaseID
    let manifest: Manifest
    let commit: CommitSummary
    let describe: String?
    let tree: InspectedTree
    /// Defaults of the manifest with the operator's values over them.
    let environment: [EnvironmentKey: String]
    /// What keeps its services and its migration from writing to releases; nil where they may.
    var seal: ReleaseSeal?
}

/// The sentence and the hint of any error.
public struct Reason {
    /// What went wrong, in one line.
    public let sentence: String
    /// A command that helps.
    public let hint: String?

    /// What an error says; an error of somebody else's is described by Swift.
    public init(_ error: any Error) {
        let hinted = error as? any HintedError
        sentence = hinted?.description ?? String(describing: error)
        hint = hinted?.hint
    }
}
