import HostControl
public import ReleaseModel
import ReleaseStore

/// `restart`, `stop` and `start` of what is live. The caller holds the app's lock.
public struct ServiceControl: Sendable {
    let host: AppHost

    /// Control of an app's services.
    public init(_ host: AppHost) { self.host = host }

    /// The live release's placements, of one service or of all.
    ///
    /// - Throws: `DeployError.nothingLive`, `DeployError.noSuchService`.
    public func live(_ service: ServiceName? = nil) throws -> [Placement] {
        guard let current = try host.store.current() else { throw DeployError.nothingLive(host.layout.name) }
        let all = try ServiceSlots(host).placements(of: current) ?? []
        guard let service else { return all }
        let chosen = all.filter { $0.service.name == service }
        guard !chosen.isEmpty else {
            throw DeployError.noSuchService(service.text, known: all.map(\.service.name.text), app: host.layout.name)
        }
        return chosen
    }

    /// Stops the live services; they stay stopped over a reboot, until `start` or the next deploy.
    public func stop(_ service: ServiceName? = nil) async throws {
        for placement in try live(service) {
            try await ServiceSlots(host).stopInstances(of: placement)
        }
    }

    /// Starts the live services again, in the slots they have.
    public func start(_ service: ServiceName? = nil) async throws {
        let placements = try live(service)
        try await host.supervisor.prepare(placements.flatMap(\.instances))
        for instance in placements.flatMap(\.instances) { try await host.supervisor.start(instance) }
        guard let current = try host.store.current() else { return }
        let manifest = try host.store.manifest(current)
        if !manifest.sites.isEmpty { try await host.changingNginx { try await $0.ensureRunning() } }
        _ = try await CandidateCheck(host: host, manifest: manifest).run(placements)
    }

    /// Replaces the live processes without a gap: new ones start in free slots, are checked, get the requests, and
    /// only then the old ones drain. Those that another release has started stay warm for it. Workers stop before
    /// their successors start.
    public func restart() async throws {
        guard let current = try host.store.current() else { throw DeployError.nothingLive(host.layout.name) }
        let services = ServiceSlots(host)
        let old = try services.placements(of: current) ?? []
        var new: [Placement] = []
        var unnoted: [Placement] = []
        do {
            try await services.pause(old, &unnoted)
            new = try await services.start(current, linking: false, carrying: false)
            try await services.startWorkers(of: services.waiting(among: new))
            _ = try await CandidateCheck(host: host, manifest: try host.store.manifest(current)).run(new)
        } catch {
            await services.takeBack(new, goingOnWith: unnoted)
            throw error
        }
        for placement in new { try host.slots.link(current, placement.service.name, to: placement.slot) }
        for placement in old {
            let time = placement.isCarried ? host.settings.warm.seconds : 0
            // The new ones serve: a disk that is too full to note how long the old ones stay is no failure.
            try? host.slots.setPaused(placement.service.name, placement.slot, false)
            try? host.slots.setWarmUntil(
                placement.service.name, placement.slot, currentTime() + max(time, AppSettings.restartDrain))
        }
    }
}
