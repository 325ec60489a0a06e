import GitRepository
import ReleaseModel
import ReleaseStore
import SystemPackage

extension Deployment {
    /// Reads what the commit asks for, before anything is written.
    func prepare() throws -> DeployPlan {
        let repository = try GitRepository(opening: host.layout.repository)
        let commit = try repository.commit(deploy.commit)
        let review = try CommitReview(deploy.commit, in: repository, host: host)
        for note in review.manifest.notes { log.output(note) }
        let release = try host.store.nextID(for: deploy.commit)
        try removeStandIn(release)
        return DeployPlan(
            release: release, manifest: review.manifest, commit: commit, describe: repository.describe(deploy.commit),
            files: review.tree.files, bytes: review.tree.bytes, environment: review.environment)
    }

    /// Writes the commit's tree into a partial release, straight from git's objects.
    func export(_ plan: DeployPlan) throws -> FilePath {
        try ledger.begin(.export, of: deploy.number, at: currentTime())
        let begun = ContinuousClock.now
        let partial = try host.store.makePartial(deploy: deploy.number)
        do {
            let repository = try GitRepository(opening: host.layout.repository)
            let directory = try FileDescriptor.open(partial, .readOnly, options: [.directory, .noFollow, .closeOnExec])
            defer { try? directory.close() }
            let index = try ReleaseIndex(writingTo: partial.appending(".pmo/index"))
            let summary = try repository.export(deploy.commit, into: directory) { try index.append($0) }
            try index.close()
            let detail =
                "\(summary.files.shownWithCommas) file\(summary.files == 1 ? "" : "s"), \(summary.bytes.shownAsBytes)"
            log.step(.export, detail, took: ContinuousClock.now - begun)
            try ledger.end(.export, of: deploy.number, at: currentTime(), detail: detail)
            try ledger.update(deploy.number) {
                $0.files = summary.files
                $0.bytes = summary.bytes
            }
            return partial
        } catch {
            try? host.store.discard(partial: partial)
            throw error
        }
    }
}
