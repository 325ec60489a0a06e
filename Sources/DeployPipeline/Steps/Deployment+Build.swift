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
        let hasKeys =
            plan.manifest.build.contains { $0.reuse != nil }
            || plan.manifest.services.contains { $0.restartInputs != nil }
        let keys = ReuseKeys(plan: plan, deploy: deploy, app: host.layout)
        var history = BuildHistory(
            of: partial, isRead: hasKeys, rendered: plan.manifest.environment.files.map(\.target),
            aliases: [host.layout.build, host.layout.release(plan.release).root])
        // An older manifest may have had a larger budget; what this one keeps is held to it step by step.
        trimSteps(plan.manifest, [])
        if !plan.manifest.build.isEmpty { try await runSteps(plan, partial, keys, &history) }
        for service in plan.manifest.services {
            guard let key = try keys.key(of: service, history) else { continue }
            try ReleaseLayout(root: partial).write(Array("\(key)\n".utf8), to: ReleaseLayout.key(of: service.name))
        }
    }

    private func runSteps(
        _ plan: DeployPlan, _ partial: FilePath, _ keys: ReuseKeys, _ history: inout BuildHistory
    ) async throws {
        let steps = plan.manifest.build
        let begun = ContinuousClock.now
        let run = StepRun(
            plan: plan, partial: partial, sandbox: await BuildSandbox.detect(runner: host.runner),
            scope: await detectScope(), cache: try prepareCache())
        let hasReader = plan.manifest.services.contains { $0.restartInputs != nil }
        let summary = try await phase(.build) {
            if case .none(let reason) = run.sandbox {
                log.output("no build sandbox, so that nothing is reused: \(reason.shown(limit: 100))")
                try standIn(partial, at: host.layout.release(plan.release).root)
            }
            var reused = 0
            var used: Set<String> = []
            for (number, step) in steps.enumerated() {
                // Only the sandbox gives a step the same path in every deploy.
                guard run.sandbox == .bubblewrap, let reuse = step.reuse else {
                    let isRead = hasReader || steps[number...].dropFirst().contains { $0.reuse != nil }
                    if isRead { try history.begin() }
                    try await perform(step, run, at: host.layout.release(plan.release).root)
                    isRead ? try history.add() : history.forget()
                    continue
                }
                let key = try keys.key(of: step, reuse, history)
                used.insert(key)
                if let brought = try bringBack(step, reuse, key, partial) {
                    reused += 1
                    history.bring(reuse.outputs, content: brought.content)
                    continue
                }
                try history.begin()
                try await perform(step, run, at: host.layout.build)
                let beside = try history.add(reuse.outputs)
                try separate(reuse.outputs, in: partial, &history)
                try keep(step, reuse, key, beside, partial, &history, budget: plan.manifest.cacheBudget)
                trimSteps(plan.manifest, used)
            }
            let summary = self.summary(reused, of: steps)
            return (summary, detail: summary == "built" ? steps.count.counted("step") : summary)
        }
        try checkOutcome(plan, partial)
        log.output(summary, phase: .build, took: ContinuousClock.now - begun)
    }

    /// What all steps of a build run in.
    private struct StepRun {
        let plan: DeployPlan
        let partial: FilePath
        let sandbox: BuildSandbox
        let scope: BuildScope?
        let cache: FilePath
    }

    /// Runs a step.
    ///
    /// - Parameter place: where it finds the release.
    private func perform(_ step: BuildStep, _ run: StepRun, at place: FilePath) async throws {
        let environment =
            step.reuse.map { BuildEnvironment.reused($0, run.plan, deploy, host.layout, at: place) }
            ?? BuildEnvironment.values(run.plan, deploy, host.layout)
        try FailPoint.buildBeforeStep.pass("write", run.partial)
        log.step(.build, step.run.firstLine.shown(limit: 60))
        try await self.run(
            run.sandbox.command(
                step: step.run, release: run.partial, finalPath: place, cache: run.cache,
                hide: host.layout.host.home, environment: environment,
                alias: place == host.layout.build ? host.layout.release(run.plan.release).root : nil),
            in: run.scope, named: step.run.firstLine, within: step.within, else: DeployError.buildFailed)
        try FailPoint.buildAfterStep.pass("write", run.partial)
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
        guard result.succeeded else { throw failed(name, "\(result.end)") }
    }

    /// The build's cache, which is also its HOME; `-o no-cache` begins with an empty one, runs every step, and keeps
    /// what they make in place of what was kept.
    private func prepareCache() throws -> FilePath {
        if deploy.options.contains("no-cache") { try host.store.removeTree(host.layout.cache) }
        try DurableFile.makeDirectories(host.layout.cache.appending("home"))
        return host.layout.cache
    }

    /// A build that exits 0 with half of its files missing is caught here: what the manifest names must exist.
    /// So is a link by which a site would serve what is not the release's.
    private func checkOutcome(_ plan: DeployPlan, _ partial: FilePath) throws {
        for root in plan.manifest.sites.compactMap(\.root) {
            guard ReleaseFile.isDirectory(root, in: partial) else {
                throw DeployError.missingDirectory(what: "the site's root", path: root)
            }
            let outward = try ServedLinks.firstOutward(
                in: root, of: partial, as: host.layout.release(plan.release).root, shared: host.layout.shared)
            if let outward {
                throw DeployError.servedLink(path: outward.path.string, target: outward.target.string)
            }
        }
        for service in plan.manifest.services where !ReleaseFile.isDirectory(service.directory, in: partial) {
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
