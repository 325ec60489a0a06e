import HostControl
public import ReleaseModel
import ReleaseStore

/// `switch` and `rollback`: makes a release on disk live again. The caller holds the app's lock.
public struct ReleaseSwitch: Sendable {
    let host: AppHost

    /// What was done.
    public struct Outcome: Sendable {
        /// The release that was live.
        public let from: ReleaseID?
        /// The release that is live now.
        public let to: ReleaseID
        /// How long the rename took; nil when the release was live already.
        public let took: Duration?
        /// Whether its services were still running.
        public let wasWarm: Bool
    }

    /// Switches in an app.
    public init(_ host: AppHost) { self.host = host }

    /// Switches to a release; what of its services does not run any more is started and checked first.
    ///
    /// - Throws: `DeployError.unhealthy` and others; the old release is live then.
    public func run(to release: ReleaseID) async throws -> Outcome {
        let old = try host.store.current()
        guard release != old else { return Outcome(from: old, to: release, took: nil, wasWarm: true) }
        let services = ServiceSlots(host)
        let all = try host.store.manifest(release).services
        let ready = try await services.ready(all, of: release)
        let missing = all.filter { service in !ready.contains { $0.service.name == service.name } }
        try await services.clear(missing, of: release)
        // Nothing is written where nothing is missing: a rollback works on a full disk (F18).
        let started = missing.isEmpty ? [] : try await services.start(release, only: missing)
        let waiting = try services.waiting(among: started + ready)
        func waits(_ placement: Placement) -> Bool { waiting.contains { $0.service.name == placement.service.name } }
        var unnoted: [Placement] = []
        do {
            let check = CandidateCheck(host: host, manifest: try host.store.manifest(release))
            try await check.run(fresh: started.filter { !waits($0) })
            try await services.startWorkers(of: ready.filter { !waits($0) })
            try await services.pause(services.live(of: waiting), &unnoted)
            try await services.startWorkers(of: waiting)
            try await check.run(fresh: started.filter(waits))
            let outcome = try await LiveSwitch(host).point(at: release)
            return Outcome(
                from: old, to: release, took: outcome.took, wasWarm: started.allSatisfy(\.isCarried))
        } catch {
            let shared = Set(
                ready.filter { (try? services.isLive($0.service.name, $0.slot)) != false }.map(\.service.name))
            try? await services.stopWorkers(of: ready.filter { !shared.contains($0.service.name) })
            await services.takeBack(started, goingOnWith: unnoted)
            throw error
        }
    }

    /// The release that a bare `rollback` means: what `previous` points at, else of the others that served well the one
    /// that is warm, else the newest.
    ///
    /// - Throws: `DeployError.noRollback`.
    public func rollbackTarget() throws -> ReleaseID {
        let current = try host.store.current()
        if let previous = try? host.store.previous(), previous != current, host.store.bad(previous) == nil {
            return previous
        }
        let served = try host.store.releases().filter {
            $0 != current && host.store.served($0) && host.store.bad($0) == nil
        }
        var warm: [ReleaseID: Double] = [:]
        for (service, slot, release) in host.slots.occupied() {
            warm[release] = max(warm[release] ?? 0, host.slots.warmUntil(service, slot) ?? 0)
        }
        let best = served.max { (warm[$0] ?? 0, deployNumber($0)) < (warm[$1] ?? 0, deployNumber($1)) }
        guard let best else { throw DeployError.noRollback(host.layout.name) }
        return best
    }

    private func deployNumber(_ release: ReleaseID) -> Int { (try? host.store.information(release).deploy) ?? 0 }
}
