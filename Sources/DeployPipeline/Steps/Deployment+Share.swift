import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

extension Deployment {
    /// What seals the release that is made: where the app's releases share files, and the host can. Where it cannot any
    /// more, this release shares none.
    func usableSeal() async throws -> ReleaseSeal? {
        guard host.settings.share == .hardlink else { return nil }
        guard let problem = await host.seal.problem(runner: host.runner) else { return host.seal }
        log.output("\(Reason(DeployError.unsealable(problem: problem)).sentence); shares no file")
        return nil
    }

    /// The last look at files that the release has in common with others, before it is complete: what a build made of its
    /// own copies is its own, what is still as it was exported becomes a link, and what somebody wrote to in place is
    /// written anew from git in every release that has it.
    func share(_ plan: DeployPlan, _ partial: FilePath) throws {
        guard plan.seal != nil else { return }
        if plan.manifest.build.isEmpty {
            tell(restored: try host.store.verifyLinks(of: partial, asking: host.blobs))
        } else if FileStamps.showWrites(at: partial),
            let outcome = try host.store.linkUnchanged(of: partial, asking: host.blobs)
        {
            log.output("\(outcome.linked.counted("file")) linked to those of \(outcome.base.short)", phase: .build)
            tell(restored: outcome.restored)
        }
    }

    private func tell(restored paths: [[UInt8]]) {
        if let sentence = Self.sentence(restored: paths) { log.output(sentence) }
    }

    /// What is said of files that several releases had in common; nil where there are none.
    static func sentence(restored paths: [[UInt8]]) -> String? {
        guard let first = paths.first else { return nil }
        let name = String(decoding: first, as: UTF8.self).shown(limit: 100)
        let rest = paths.count > 1 ? " and \((paths.count - 1).shownWithCommas) more" : ""
        return "somebody wrote to \(name)\(rest): restored in every release that shares it"
    }
}
