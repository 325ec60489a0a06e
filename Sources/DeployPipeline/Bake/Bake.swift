import FailPoints
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// The watch after a switch, in a process of its own that holds no lock: a release that fails in it is taken back while
/// the one before is warm, once. What fails after that is for a person.
public struct Bake: Sendable {
    /// How often processes and nginx's log are looked at.
    private static let interval = Duration.seconds(1)
    /// How often the instances are asked: every so many looks.
    private static let looksAQuestion = 2

    let host: AppHost
    let number: Int
    private let ledger: Ledger

    private init(_ host: AppHost, deploy number: Int) throws {
        self.host = host
        self.number = number
        ledger = try Ledger(host.layout)
    }

    /// Notes that a release that has just gone live is to be watched, where it has services and its manifest says so.
    static func note(_ host: AppHost, deploy number: Int, _ release: ReleaseID, _ manifest: Manifest) throws {
        guard manifest.bakeTime.seconds > 0, !manifest.services.isEmpty else { return }
        try BakeRecord(deploy: number, release: release).save(to: host.layout)
    }

    /// Starts a watch that was cut short; does nothing where there is none, or where somebody watches that deploy.
    ///
    /// - Parameter executable: the product's own binary.
    public static func resume(_ host: AppHost, executable: String) throws {
        guard let record = try BakeRecord.load(from: host.layout) else { return }
        let lock = lock(of: host.layout)
        if let free = try FileLock.tryAcquire(lock) {
            free.release()
        } else if try DurableFile.read(lock, limit: 64) == Array("\(record.deploy)".utf8) {
            return
        }
        try spawn(host, executable: executable)
    }

    /// Starts the watch that is noted; does nothing where there is none.
    ///
    /// - Parameter executable: the product's own binary.
    static func spawn(_ host: AppHost, executable: String) throws {
        guard let record = try BakeRecord.load(from: host.layout) else { return }
        _ = try DetachedProcess.spawn(
            executable: executable,
            arguments: ["bake", host.layout.name.text, "\(record.deploy)", "--home", host.layout.host.home.string],
            environment: ["PATH": BuildEnvironment.path].merging(FailPoints.environment(for: "bake.")) { $1 },
            log: host.layout.logs.appending("bake.log"))
    }

    /// Watches the release of a deploy for its manifest's time, and takes it back where it fails. Nothing happens where
    /// another process does that.
    public static func run(_ host: AppHost, deploy number: Int) async throws {
        // The watch of the deploy before ends as soon as it has noticed this one.
        guard let only = try FileLock.acquire(lock(of: host.layout), wait: .seconds(30)) else { return }
        defer { only.release() }
        only.note(Array("\(number)".utf8))
        guard let record = try BakeRecord.load(from: host.layout), record.deploy == number else { return }
        try await Bake(host, deploy: number).run(record.release)
        // A deploy that is under way puts its own there, or the next watch finds nothing to do.
        guard let lock = try AppLock.acquire(host.layout, wait: .seconds(5), holding: "bake", who: "bake") else {
            return
        }
        defer { lock.release() }
        try record.remove(from: host.layout)
    }

    private static func lock(of app: AppLayout) -> FilePath { app.root.appending("bake.lock") }

    private func run(_ release: ReleaseID) async throws {
        let live = try host.store.current()
        // What was found in a watch that was cut short holds.
        let known = host.store.bad(release)
        if live == release {
            // What somebody did before this process came to look counts as well.
            let begun = try ledger.deploy(number)?.finished ?? currentTime()
            let found = if let known { Optional(known) } else { try await watch(release, since: begun) }
            if let problem = found { try await takeBack(release, since: problem, begun) }
        } else if let live, let known, try ledger.deploy(number)?.state == .live {
            recordTakenBack(release, since: known, to: live)
            try await follow(live, insteadOf: release, since: known)
        }
    }

    /// Watches a release.
    ///
    /// - Parameter begun: from when on what a person does ends the watch.
    /// - Returns: why it may not stay; nil where it may, or where somebody else has taken matters in hand.
    private func watch(_ release: ReleaseID, since begun: Double) async throws -> String? {
        let manifest = try host.store.manifest(release)
        let check = CandidateCheck(host: host, manifest: manifest)
        let deadline = ContinuousClock.now + manifest.bakeTime.duration
        var watch = BakeWatch(errorLimit: host.settings.bakeErrors)
        var log = AccessLog(host.accessLog)
        var looks = 0
        while ContinuousClock.now < deadline {
            guard try isOurs(release, since: begun) else { return nil }
            let placements = try ServiceSlots(host).placements(of: release) ?? []
            let asking = looks % Self.looksAQuestion == 0
            guard await look(at: placements, check, asking: asking, &watch) else { return nil }
            let places = placements.map { host.layout.slot($0.service.name, $0.slot).root.string }
            let (requests, errors) = log.look(at: places + [host.layout.release(release).root.string])
            watch.saw(requests: requests, errors: errors)
            if let problem = watch.problem { return problem }
            looks += 1
            try await Task.sleep(for: Self.interval)
        }
        return nil
    }

    /// Whether the release is live still, and nobody has stopped or started anything by hand: what he does is no fault of
    /// the release's, and he is there to see.
    private func isOurs(_ release: ReleaseID, since begun: Double) throws -> Bool {
        try host.store.current() == release && !isInHand(since: begun)
    }

    /// Whether somebody has told a service to stop, be it recorded or not; a pause is a deploy's doing.
    private func isBeingStopped(_ placements: [Placement]) async -> Bool {
        for placement in placements {
            for instance in placement.instances
            where (try? await host.supervisor.status(instance))?.isToldToStop == true {
                if !host.slots.isPaused(placement.service.name, placement.slot) { return true }
            }
        }
        return false
    }

    private func isInHand(since begun: Double) throws -> Bool {
        let hands: Set = ["restart", "stop", "start", "switch", "rollback", "destroy"]
        return try ledger.events(limit: 50).contains {
            $0.time >= begun && $0.who != "bake" && hands.contains($0.verb)
        }
    }

    /// - Returns: false where somebody has told a service to stop, be it recorded or not.
    private func look(
        at placements: [Placement], _ check: CandidateCheck, asking: Bool, _ watch: inout BakeWatch
    ) async -> Bool {
        for placement in placements {
            for (number, instance) in placement.instances.enumerated() {
                let name = placement.service.name.text
                guard let status = try? await host.supervisor.status(instance) else { continue }
                // A deploy has stopped it for its own worker: it goes on where that one fails.
                guard !host.slots.isPaused(placement.service.name, placement.slot) else {
                    watch.wasPaused(instance.unit)
                    continue
                }
                guard !status.isToldToStop else { return false }
                watch.saw(process: status.pid, lastEnd: status.lastEnd, of: instance.unit, called: name)
                guard asking, placement.service.health != nil, placement.service.listen != .none else { continue }
                watch.saw(answer: await check.fault(of: placement, number), of: instance.unit, called: name)
            }
        }
        return true
    }

    private func takeBack(_ release: ReleaseID, since problem: String, _ begun: Double) async throws {
        guard let lock = try AppLock.acquire(host.layout, wait: .seconds(3600), holding: "bake", who: "bake") else {
            return
        }
        defer { lock.release() }
        // What was waited for may have been somebody who takes it in hand, and what was seen meanwhile his doing.
        let placements = try ServiceSlots(host).placements(of: release) ?? []
        let isOurs = try isOurs(release, since: begun)
        guard isOurs, await !isBeingStopped(placements) else {
            // A deploy has taken its place: a rollback must not lead to it.
            if try host.store.current() != release, try !isInHand(since: begun) {
                try? host.store.markBad(release, reason: problem)
                record(release, "was found bad, since \(problem)", verb: "bake")
            }
            return
        }
        try FailPoint.bakeBeforeMark.pass("write", host.layout.release(release).root)
        try? host.store.markBad(release, reason: problem)
        try FailPoint.bakeAfterMark.pass("switch", host.layout.current)
        do {
            let old = try await switchBack(from: release)
            try FailPoint.bakeAfterSwitch.pass("write", host.layout.ledger)
            recordTakenBack(release, since: problem, to: old)
            lock.release()
            try await follow(old, insteadOf: release, since: problem)
        } catch {
            let reason = Reason(error).sentence
            try needsOperator(
                "\(release.short) fails (\(problem)), and there is nothing to go back to: \(reason)", release)
        }
    }

    /// Watches the release that one was taken back to.
    private func follow(_ old: ReleaseID, insteadOf release: ReleaseID, since problem: String) async throws {
        let begun = currentTime()
        guard let again = try await watch(old, since: begun) else { return }
        try await giveUp(
            "\(release.short) was taken back (\(problem)), and \(old.short) fails too: \(again)", old, begun)
    }

    /// To the release before, where it is well itself.
    private func switchBack(from release: ReleaseID) async throws -> ReleaseID {
        guard let old = try host.store.previous(), old != release, host.store.bad(old) == nil else {
            throw DeployError.noRollback(host.layout.name)
        }
        let manifest = try host.store.manifest(old)
        let services = ServiceSlots(host)
        // Also one that is down at this moment: it would be up at the next, and be switched to unasked.
        let warm = try manifest.services.filter { $0.listen != .none }.compactMap {
            try services.placement(of: $0, in: old)
        }
        _ = try await CandidateCheck(host: host, manifest: manifest).run(warm)
        _ = try await ReleaseSwitch(host).run(to: old)
        // It is of no use warm.
        for (service, slot, occupant) in host.slots.occupied() where occupant == release {
            if try !services.isLive(service, slot) { try? host.slots.setWarmUntil(service, slot, 0) }
        }
        try? await Retirement(host).retireExpired()
        return old
    }

    private func giveUp(_ reason: String, _ release: ReleaseID, _ begun: Double) async throws {
        guard let lock = try AppLock.acquire(host.layout, wait: .seconds(3600), holding: "bake", who: "bake") else {
            return
        }
        defer { lock.release() }
        guard try isOurs(release, since: begun) else { return }
        try needsOperator(reason, release)
    }

    private func needsOperator(_ reason: String, _ release: ReleaseID) throws {
        try OperatorCall(reason: reason, since: currentTime()).save(to: host.layout)
        record(release, "needs an operator: \(reason)", verb: "bake")
    }

    private func recordTakenBack(_ release: ReleaseID, since problem: String, to old: ReleaseID) {
        let detail = "taken back, since \(problem); \(old.short) serves"
        record(release, detail, verb: "rollback")
        _ = try? ledger.update(number) {
            $0.state = .reverted
            $0.reason = detail
        }
    }

    /// In the history and in the deploy's own log, which was told to its end.
    private func record(_ release: ReleaseID, _ detail: String, verb: String) {
        try? ledger.record(
            LedgerEvent(
                time: currentTime(), who: "bake", verb: verb, detail: "\(release.short) \(detail)", deploy: number))
        try? DeployLog.add("bake: \(release.short) \(detail)", to: host.layout, deploy: number)
    }
}

extension CandidateCheck {
    /// Asks an instance once.
    ///
    /// - Returns: what was wrong with the answer; nil where it was well.
    func fault(of placement: Placement, _ number: Int) async -> String? {
        guard let check = placement.service.health else { return nil }
        var gate = HealthGate(check: check)
        let answer = await HealthProbe(runner: host.runner).ask(
            placement.endpoints[number], path: check.path, host: domain(of: placement.service).text,
            within: Self.answerLimit)
        switch answer {
        case .answered(let status, let body, _):
            _ = gate.saw(status: status, body: String(decoding: body, as: UTF8.self))
        case .refused(let problem): _ = gate.saw(refusal: problem)
        }
        return gate.passesInARow > 0 ? nil : "GET \(check.path) \(gate.lastProblem)"
    }
}
