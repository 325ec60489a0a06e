import FailPoints
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

extension Deployment {
    /// Runs the manifest's steps in the sandbox, in order; their lines go to the pusher as they come. A step whose
    /// inputs are those of an earlier time is not run: what it made then is brought in.
    func build(_ plan: DeployPlan, _ partial: FilePath) async throws {
        let keys = try ReuseKeys(plan, deploy, host.layout, partial: partial)
        for (service, key) in keys.services {
            try ReleaseLayout(root: partial).write(Array("\(key)\n".utf8), to: ReleaseLayout.key(of: service))
        }
        guard !plan.manifest.build.isEmpty else { return }
        let begun = ContinuousClock.now
        let sandbox = await BuildSandbox.detect(runner: host.runner)
        let scope = await detectScope()
        let final = host.layout.release(plan.release).root
        let cache = try prepareCache()
        let summary = try await phase(.build) {
            if case .none(let reason) = sandbox {
                log.output("no build sandbox, so that nothing is reused: \(reason.shown(limit: 100))")
                try standIn(partial, at: final)
            }
            var reused = 0
            for (step, key) in zip(plan.manifest.build, keys.steps) {
                // Only the sandbox gives a step the same path in every deploy.
                let kept = sandbox == .bubblewrap ? key.flatMap { key in step.reuse.map { (key, $0) } } : nil
                if let (key, reuse) = kept, try bringBack(step, reuse, key, partial) {
                    reused += 1
                    continue
                }
                let environment =
                    step.reuse.map { BuildEnvironment.reused($0, plan, deploy, host.layout) }
                    ?? BuildEnvironment.values(plan, deploy, host.layout)
                try FailPoint.buildBeforeStep.pass("write", partial)
                log.step(.build, step.run.firstLine.shown(limit: 60))
                try await run(
                    sandbox.command(
                        step: step.run, release: partial, finalPath: kept == nil ? final : host.layout.build,
                        cache: cache, hide: host.layout.host.home, environment: environment),
                    in: scope, named: step.run.firstLine, within: step.within, else: DeployError.buildFailed)
                try FailPoint.buildAfterStep.pass("write", partial)
                if let (key, reuse) = kept { try keep(step, reuse, key, partial, budget: plan.manifest.cacheBudget) }
            }
            let summary = self.summary(reused, of: plan.manifest.build)
            return (summary, detail: summary == "built" ? "\(plan.manifest.build.count) steps" : summary)
        }
        try checkOutcome(plan.manifest, partial)
        trimSteps(plan.manifest, keeping: keys)
        log.output(summary, phase: .build, took: ContinuousClock.now - begun)
    }

    /// What can hold the app's commands to what they may use; nil where nothing can.
    func detectScope() async -> BuildScope? {
        guard host.hostSettings.supervisor == .systemd else { return nil }
        return await BuildScope.detect(runner: host.runner, isUser: !ProcessOwner.isRoot)
    }

    /// Runs a command of the app's and streams its lines.
    func run(
        _ command: Command, in scope: BuildScope?, named name: String, within limit: TimeLimit,
        else failed: (_ step: String, _ status: String) -> DeployError
    ) async throws {
        let log = log
        var command = command
        if let scope {
            let title = "\(host.layout.name) deploy \(deploy.number)"
            command = try scope.holding(command, to: host.settings.build, called: title)
        }
        let result = try await host.runner.stream(command, within: limit.duration) { log.output($0) }
        guard !result.timedOut else { throw DeployError.timedOut(what: name, limit: limit.text) }
        guard result.succeeded else {
            let status = result.signal.map { "signal \($0)" } ?? "status \(result.status)"
            throw failed(name, status)
        }
    }

    /// The build's cache, which is also its HOME; `-o no-cache` begins with an empty one, runs every step, and keeps
    /// what they make in place of what was kept.
    private func prepareCache() throws -> FilePath {
        if deploy.options.contains("no-cache") { try host.store.removeTree(host.layout.cache) }
        try DurableFile.makeDirectories(host.layout.cache.appending("home"))
        return host.layout.cache
    }

    /// A build that exits 0 with half of its files missing is caught here: what the manifest names must exist.
    private func checkOutcome(_ manifest: Manifest, _ partial: FilePath) throws {
        for site in manifest.sites {
            if let root = site.root, !ReleaseFile.isDirectory(root, in: partial) {
                throw DeployError.missingDirectory(what: "the site's root", path: root)
            }
        }
        for service in manifest.services where !ReleaseFile.isDirectory(service.directory, in: partial) {
            throw DeployError.missingDirectory(what: "the directory of \(service.name)", path: service.directory)
        }
    }

    /// Without a sandbox the build works at the release's final path through a link to the partial, since what it
    /// makes (a venv, say) holds that path. A link is no release: lists pass it over, and `complete` takes it away.
    private func standIn(_ partial: FilePath, at final: FilePath) throws {
        guard symlink(partial.lastComponent?.string ?? "", final.string) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Removes such a link, also one that a killed deploy has left.
    func removeStandIn(_ release: ReleaseID) throws {
        let final = host.layout.release(release).root.string
        var status = stat()
        guard lstat(final, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return }
        guard unlink(final) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
    }

    /// Syncs the partial and gives it its final name.
    func complete(_ plan: DeployPlan, _ partial: FilePath) throws {
        try removeStandIn(plan.release)
        try host.store.complete(partial: partial, as: plan.release)
        try ledger.update(deploy.number) { $0.release = plan.release }
    }
}

extension String {
    var firstLine: String { String(prefix { !$0.isNewline }) }
    var droppingLineEnd: String { last?.isNewline == true ? String(dropLast()) : self }
}
