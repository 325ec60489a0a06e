import FailPoints
import GitRepository
import HostControl
import ReleaseModel
import ReleaseStore

extension Deployment {
    /// The one rename, and what must be true before and after it.
    func goLive(_ plan: DeployPlan) async throws {
        try intents.save(
            DeployIntent(deploy: deploy, phase: .switch, release: plan.release, from: try host.store.current()),
            durable: true)
        try ledger.begin(.switch, of: deploy.number, at: currentTime())
        let outcome = try await LiveSwitch(host).point(at: plan.release)
        // It is live: nothing from here on may fail or undo it.
        try? Bake.note(host, deploy: deploy.number, plan.release, plan.manifest)
        let detail = (outcome.from.map { "\($0.short) -> " } ?? "") + plan.release.short
        log.step(.switch, detail, took: outcome.took)
        try? ledger.end(.switch, of: deploy.number, at: currentTime(), detail: detail)
        BranchMove(host).run(deploy)
    }

    /// Retires and prunes what the switch has left over. What looks at every release is done here, where nobody waits.
    func tidy(keeping keep: Int) async {
        do {
            let releases = try Recovery(host, ledger).removeStrays()
            try await Retirement(host).retireExpired()
            let removed = try Prune(host, ledger).run(keep: keep, among: releases, settingAside: true)
            for release in removed { log.output("pruned \(release.short)", phase: .prune) }
            try DeployRecords(host: host).prune(beside: releases.without(removed))
        } catch {
            log.output("left for the next deploy: \(Reason(error).sentence)", phase: .prune)
        }
    }
}
