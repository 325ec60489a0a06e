import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

extension Recovery {
    /// Does an action.
    ///
    /// - Returns: what is known of the candidate afterwards.
    func perform(
        _ action: RecoveryAction, _ number: Int, _ candidate: Remains.Candidate
    ) async throws -> Remains.Candidate {
        switch action {
        case .removePartial:
            BuildSandbox.endLeftOvers(of: host.layout.partial(number))
            try host.store.discard(partial: host.layout.partial(number))
        case .restoreRow: try restoreRow(number)
        case .probe: return await isHealthy(number) ? .healthy : .unhealthy
        case .goForward: return await goForward(number) ? .healthy : .unhealthy
        case .removeRelease: try await removeRelease(number)
        case .recordLive: try await recordLive(number)
        case .recordFailed: try recordFailed(number)
        case .forget: try intents.remove(number)
        }
        return candidate
    }

    private func restoreRow(_ number: Int) throws {
        if let intent = intents.intent(number) {
            try ledger?.restore(intent.deploy)
        } else {
            if let current = try host.store.current() { try? host.store.markServed(current) }
            try ledger?.rebuild(from: host.store)
        }
    }

    private func isHealthy(_ number: Int) async -> Bool {
        guard let release = try? release(of: number, intents.intent(number)),
            let manifest = try? host.store.manifest(release),
            let placements = try? ServiceSlots(host).placements(of: release)
        else { return false }
        return (try? await CandidateCheck(host: host, manifest: manifest).run(fresh: placements)) != nil
    }

    private func goForward(_ number: Int) async -> Bool {
        guard let release = try? release(of: number, intents.intent(number)) else { return false }
        return (try? await LiveSwitch(host).point(at: release)) != nil
    }

    private func removeRelease(_ number: Int) async throws {
        guard let release = try release(of: number, intents.intent(number)) else { return }
        BuildSandbox.endLeftOvers(of: host.layout.release(release).root)
        try await LiveSwitch(host).restoreSite()
        for (service, slot, occupant) in host.slots.occupied() where occupant == release {
            try await ServiceSlots(host).stop(ServiceSlots(host).occupant(of: service, slot, release: release))
        }
        // Of a switch that was cut short between its two links.
        if (try? host.store.previous()) == release { try DurableFile.remove(host.layout.previous) }
        try host.store.remove(release)
    }

    private func recordLive(_ number: Int) async throws {
        guard let release = try host.store.current() else { return }
        let intent = intents.intent(number)
        try host.store.markServed(release)
        try host.store.syncLinks()
        await LiveSwitch(host).settle(from: intent?.from, to: release)
        if let manifest = try? host.store.manifest(release) {
            try? Bake.note(host, deploy: number, release, manifest)
        }
        guard let deploy = try ledger?.deploy(number) else { return }
        // By its state it is done with: all else comes before that.
        BranchMove(host).run(deploy)
        tell(deploy, "live: its process ended after the switch") {
            $0.output("live; its process ended after the switch")
        }
        try ledger?.update(number) {
            $0.state = .live
            $0.release = release
            $0.reason = nil
            $0.finished = currentTime()
        }
    }

    private func recordFailed(_ number: Int) throws {
        let phase = intents.intent(number)?.phase
        let deploy = try ledger?.update(number) {
            $0.state = .failed
            $0.phase = $0.phase ?? phase
            $0.reason = "its process ended in \($0.phase?.rawValue ?? "the queue")"
            $0.finished = currentTime()
        }
        guard let deploy else { return }
        DeployReference.remove(number, of: host)
        tell(deploy, "failed: \(deploy.reason ?? "")") { $0.failure("failed: \(deploy.reason ?? "")") }
    }

    /// In the history and in the deploy's own log; neither may keep recovery from going on.
    private func tell(_ deploy: Deploy, _ end: String, _ write: (DeployLog) -> Void) {
        ledger?.tellEnd(of: deploy, end)
        guard let log = try? DeployLog(host.layout, deploy: deploy.number) else { return }
        write(log)
        log.finish()
    }
}
