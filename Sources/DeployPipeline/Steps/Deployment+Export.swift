import FailPoints
import GitRepository
import ReleaseModel
import ReleaseStore
import SystemPackage

extension Deployment {
    /// Reads what the commit asks for, before anything is written.
    func prepare() async throws -> DeployPlan {
        let repository = try GitRepository(opening: host.layout.repository)
        let commit = try repository.commit(deploy.commit)
        let review = try CommitReview(deploy.commit, in: repository, host: host)
        for note in review.manifest.notes { log.output(note) }
        let release = try host.store.nextID(for: deploy.commit)
        try removeStandIn(release)
        let seal = try await usableSeal()
        return DeployPlan(
            release: release, manifest: review.manifest, commit: commit, describe: repository.describe(deploy.commit),
            tree: review.inspected, environment: review.environment, seal: seal)
    }

    /// Brings the commit's tree to a partial release: from the spare where there is one, else whole, straight from git's
    /// objects.
    func export(_ plan: DeployPlan) throws -> FilePath {
        try intents.save(DeployIntent(deploy: deploy, phase: .export, release: plan.release), durable: true)
        try ledger.begin(.export, of: deploy.number, at: currentTime())
        let begun = ContinuousClock.now
        let partial = host.layout.partial(deploy.number)
        do {
            try FailPoint.exportBeforeTree.pass("make", partial)
            let exported = try ReleaseExport(host, plan, deploy: deploy.number).run()
            try FailPoint.exportAfterTree.pass("write", partial)
            log.step(.export, exported.detail, took: ContinuousClock.now - begun)
            if let remark = exported.remark { log.output(remark) }
            try ledger.end(.export, of: deploy.number, at: currentTime(), detail: exported.detail)
            try ledger.update(deploy.number) {
                $0.files = exported.summary.files
                $0.bytes = exported.summary.bytes
            }
            return partial
        } catch {
            try? host.store.discard(partial: partial)
            throw error
        }
    }
}
