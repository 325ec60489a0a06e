import FailPoints
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

extension Deployment {
    /// How long a migration may take.
    static let migrationLimit = TimeLimit(seconds: 3600)

    /// Runs the migrate command in the complete release, before any of its services starts.
    func migrate(_ plan: DeployPlan) async throws {
        guard let command = plan.manifest.migrate else { return }
        guard !deploy.options.contains("skip-migrate") else {
            log.step(.migrate, "skipped: -o skip-migrate")
            return
        }
        let begun = ContinuousClock.now
        let release = host.layout.release(plan.release).root
        try DurableFile.makeDirectories(host.layout.cache.appending("home"))
        log.step(.migrate, command.firstLine.shown(limit: 60))
        try await phase(.migrate) {
            try FailPoint.migrateBeforeCommand.pass("start", release)
            let sandbox = await BuildSandbox.detect(runner: host.runner)
            let plain = sandbox.command(
                step: command, release: release, finalPath: release, cache: host.layout.cache,
                hide: host.layout.host.home, environment: BuildEnvironment.values(plan, deploy, host.layout),
                writable: [host.layout.shared], isReadOnly: plan.seal != nil)
            // Without a sandbox the seal is all that keeps it from the files of other releases.
            let seal = sandbox == .bubblewrap ? nil : plan.seal
            try await run(
                seal?.command(plain) ?? plain, in: await detectScope(), named: command.firstLine,
                within: Self.migrationLimit, else: DeployError.migrationFailed)
            try FailPoint.migrateAfterCommand.pass("end", release)
            return ((), detail: command.firstLine.shown(limit: 60))
        }
        log.output("migrated", phase: .migrate, took: ContinuousClock.now - begun)
    }

    /// Starts the candidate in free slots; a service that may go on as it is does. With `-o no-cache` none may: what it
    /// is made from was built anew.
    func start(_ plan: DeployPlan) async throws -> [Placement] {
        guard !plan.manifest.services.isEmpty else { return [] }
        if let weakness = try await host.supervisor.weakness() {
            log.output("\(weakness)\(weakness.repair.map { "; \($0)" } ?? "")")
        }
        return try await phase(.start) {
            let placements = try await ServiceSlots(host).start(plan.release, carrying: !isWithoutCache)
            let carried = placements.filter(\.isCarried).map(\.service.name.text)
            if !carried.isEmpty { log.step(.start, "\(carried.joined(separator: ", ")) unchanged, not restarted") }
            let detail = placements.map {
                "\($0.service.name) \($0.isCarried ? "goes on" : "started") in slot \($0.slot)"
            }
            return (placements, detail: detail.joined(separator: ", "))
        }
    }

    /// Watches the candidate until it is healthy.
    func check(_ plan: DeployPlan, _ placements: [Placement]) async throws {
        guard !placements.isEmpty else { return }
        let begun = ContinuousClock.now
        try await phase(.check) {
            do {
                try FailPoint.checkBefore.pass("check", host.layout.release(plan.release).root)
                let passed = try await passed(plan, placements)
                try FailPoint.checkAfter.pass("check", host.layout.release(plan.release).root)
                for (index, one) in passed.enumerated() {
                    let last = index == passed.count - 1
                    log.step(.check, one.text, took: last ? ContinuousClock.now - begun : nil)
                }
                return ((), detail: passed.map(\.text).joined(separator: ", "))
            } catch DeployError.unhealthy(let failure) {
                await explain(failure, placements)
                throw DeployError.unhealthy(failure)
            }
        }
    }

    /// Those that may not run beside the live ones come last, when nothing else can fail any more.
    private func passed(_ plan: DeployPlan, _ placements: [Placement]) async throws -> [CandidateCheck.Passed] {
        let services = ServiceSlots(host)
        let waiting = try services.waiting(among: placements.filter { !$0.isCarried })
        let names = Set(waiting.map(\.service.name))
        let check = CandidateCheck(host: host, manifest: plan.manifest)
        let first = try await check.run(fresh: placements.filter { !names.contains($0.service.name) })
        try await services.changeOver(to: waiting)
        return try await first + check.run(fresh: waiting)
    }

    /// Shows the pusher what there is to see: the request, the answer, and the service's last 20 lines.
    private func explain(_ failure: HealthFailure, _ placements: [Placement]) async {
        let place = failure.address.map { " on \($0)" } ?? ""
        log.step(
            .check,
            "\(failure.service): \(failure.request ?? "instance \(failure.instance)")\(place) \(failure.problem)")
        if let answer = failure.answer {
            log.output("answer: \(answer.droppingLineEnd.shown(limit: 300))")
        }
        guard let placement = placements.first(where: { $0.service.name == failure.service }) else { return }
        let instance = placement.instances[failure.instance]
        if let remark = await wrongPort(placement, failure.instance) { log.output(remark) }
        let lines = host.supervisor.logTail(instance, lines: 20, since: placement.marks[failure.instance])
        log.output(lines.isEmpty ? "\(failure.service) has written nothing" : "last lines of \(failure.service):")
        for line in lines { log.output("| \(line.shown(limit: 400))") }
    }

    /// `PORT` ignored: which port the instance listens on instead.
    private func wrongPort(_ placement: Placement, _ number: Int) async -> String? {
        guard !placement.endpoints.isEmpty, case .port(let port) = placement.endpoints[number],
            let process = try? await host.supervisor.status(placement.instances[number]).pid
        else { return nil }
        let ports = ListeningSockets.ports(ofInstance: process)
        guard !ports.isEmpty, !ports.contains(port) else { return nil }
        let listed = ports.map(String.init).joined(separator: ", ")
        return "it listens on port \(listed), not on PORT=\(port): read PORT from the environment"
    }
}
