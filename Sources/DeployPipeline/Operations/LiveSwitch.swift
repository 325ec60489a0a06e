import FailPoints
import HostControl
public import ReleaseModel
import ReleaseStore

/// Points `current` at a release whose services are up: nginx's site first where it differs, then the rename, then the
/// workers. The caller holds the app's lock. Depends on the disk alone, not on the ledger or the receiver.
public struct LiveSwitch: Sendable {
    let host: AppHost

    /// What a switch did.
    public struct Outcome: Sendable {
        /// The release that was live.
        public let from: ReleaseID?
        /// How long the rename itself took.
        public let took: Duration
    }

    /// A switch in an app.
    public init(_ host: AppHost) { self.host = host }

    /// Switches.
    ///
    /// - Throws: what kept it from happening; the old release is live then, with its site.
    public func point(at release: ReleaseID) async throws -> Outcome {
        let old = try host.store.current()
        let took: Duration
        do {
            took = try await change(to: release)
        } catch {
            // Also where it failed half way: nginx has the old site again, or never had another.
            if let old { try? await applySite(of: old) }
            throw error
        }
        try? OperatorCall.clear(host.layout)
        await settle(from: old, to: release)
        _ = FailPoints.pass(.switchAfterSettle)
        return Outcome(from: old, took: took)
    }

    private func change(to release: ReleaseID) async throws -> Duration {
        try FailPoint.switchBeforeSite.pass("write", host.layout.host.nginx)
        try await applySite(of: release)
        try FailPoint.switchAfterSite.pass("write", host.layout.host.nginx)
        // Before the rename: whatever is live has this mark, also when the process is killed in between.
        if !host.store.served(release) { try? host.store.markServed(release) }
        return try host.store.pointCurrent(at: release)
    }

    /// After the rename nothing may undo it: workers change over, and what only the old release uses is warm for the
    /// app's time.
    func settle(from old: ReleaseID?, to release: ReleaseID) async {
        let services = ServiceSlots(host)
        for (service, slot, _) in host.slots.occupied() where host.slots.slot(of: service, in: release) == slot {
            try? host.slots.setWarmUntil(service, slot, nil)
        }
        guard let old, old != release, let placements = try? services.placements(of: old) else { return }
        let left = placements.filter { host.slots.slot(of: $0.service.name, in: release) != $0.slot }
        try? await services.stopWorkers(of: left)
        let until = currentTime() + max(host.settings.warm.seconds, AppSettings.drain)
        for placement in left {
            try? host.slots.setPaused(placement.service.name, placement.slot, false)
            try? host.slots.setWarmUntil(placement.service.name, placement.slot, until)
        }
    }

    /// Whether nginx has the live release's site, or none where nothing is live.
    func hasRightSite() -> Bool {
        guard let current = try? host.store.current() as ReleaseID?? else { return true }
        let wanted = current.flatMap { host.site(of: $0) } ?? ""
        return wanted == host.nginx.installed(host.layout.name) ?? ""
    }

    /// Gives nginx the live release's site back, where a switch was cut short between the site and the rename.
    func restoreSite() async throws {
        guard !hasRightSite() else { return }
        guard let current = try host.store.current() else {
            return try await host.changingNginx { try await $0.remove(app: host.layout.name) }
        }
        try await applySite(of: current)
    }

    /// Sees to it that nginx runs, where the live release has a site: after a boot nobody else may.
    public func ensureServed() async throws {
        guard let current = try host.store.current(),
            host.site(of: current)?.isEmpty == false
        else { return }
        try await host.changingNginx { try await $0.ensureRunning() }
    }

    /// Makes nginx serve the release's own site; nothing happens where the same text is live.
    private func applySite(of release: ReleaseID) async throws {
        let app = host.layout.name
        let live = host.nginx.installed(app)
        guard let site = host.site(of: release), !site.isEmpty else {
            if live != nil { try await host.changingNginx { try await $0.remove(app: app) } }
            return
        }
        if live == site, await host.nginx.isRunning() { return }
        try await host.changingNginx { nginx in
            try await nginx.ensureRunning()
            _ = try await nginx.install(site: site, app: app)
        }
    }
}
