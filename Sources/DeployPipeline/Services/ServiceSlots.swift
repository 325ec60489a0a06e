import HostControl
public import ReleaseModel
import ReleaseStore

/// Starts, finds and stops the services of releases in their slots. The caller holds the app's lock.
public struct ServiceSlots: Sendable {
    let host: AppHost

    /// The slots of an app.
    public init(_ host: AppHost) { self.host = host }

    /// Where a release's services are now; nil when one of them is in no slot.
    public func placements(of release: ReleaseID) throws -> [Placement]? {
        var result: [Placement] = []
        for service in try host.store.manifest(release).services {
            guard let slot = occupiedSlot(service.name, by: release) else { return nil }
            result.append(try Placement(service, in: slot, of: host))
        }
        return result
    }

    /// The slot that a service of a release occupies.
    public func occupiedSlot(_ service: ServiceName, by release: ReleaseID) -> SlotNumber? {
        guard let slot = host.slots.slot(of: service, in: release), host.slots.occupant(service, slot) == release else {
            return nil
        }
        return slot
    }

    /// Whether every service of a placement that listens is up: the release can serve at once.
    public func areUp(_ placements: [Placement]) async -> Bool {
        for placement in placements where placement.service.listen != .none {
            for instance in placement.instances {
                guard let status = try? await host.supervisor.status(instance), status.state == .up else {
                    return false
                }
            }
        }
        return true
    }

    /// Puts the services of a complete release into free slots and starts them.
    ///
    /// - Throws: `DeployError.noFreeSlot`, or what the store and the supervisor throw; nothing is left running then.
    ///
    /// - Parameter linking: whether the release's upstream links lead to the new slots at once; not for a release that
    ///   is live, whose requests would go to a candidate that nobody has checked.
    public func start(_ release: ReleaseID, linking: Bool = true) async throws -> [Placement] {
        let layout = host.layout.release(release)
        var placements: [Placement] = []
        do {
            for service in try host.store.manifest(release).services {
                _ = try host.slots.ensure(service)
                let slot = try await freeSlot(for: service.name)
                let placement = try Placement(service, in: slot, of: host)
                try placement.write(for: layout, in: host.layout)
                try host.slots.occupy(slot, by: release, service: service.name)
                try host.slots.setWarmUntil(service.name, slot, nil)
                if linking { try host.slots.link(release, service.name, to: slot) }
                placements.append(placement)
            }
            try await host.supervisor.prepare(placements.flatMap(\.instances) + spares(of: release))
            for instance in placements.flatMap(\.instances) { try await host.supervisor.start(instance) }
            return placements
        } catch {
            for placement in placements { _ = try? await stop(placement) }
            throw error
        }
    }

    /// The instances of the slots that the next deploys will use, and nginx's: made known together with the first
    /// ones, since a supervisor may take seconds to notice what is new.
    private func spares(of release: ReleaseID) throws -> [SupervisedInstance] {
        let layout = host.layout.release(release)
        let manifest = try host.store.manifest(release)
        var result: [SupervisedInstance] = manifest.sites.isEmpty ? [] : [try host.nginx.prepareInstance()]
        for service in manifest.services {
            for slot in SlotNumber.allCases where host.slots.occupant(service.name, slot) == nil {
                let placement = try Placement(service, in: slot, of: host)
                try placement.write(for: layout, in: host.layout)
                result += placement.instances
            }
        }
        return result
    }

    /// Starts the workers of a release that is in its slots already (a warm one's were stopped when it was left).
    public func startWorkers(of placements: [Placement]) async throws {
        for placement in placements where placement.service.listen == .none {
            for instance in placement.instances { try await host.supervisor.start(instance) }
        }
    }

    /// Stops the workers of a release; its listening services stay warm.
    public func stopWorkers(of placements: [Placement]) async throws {
        for placement in placements where placement.service.listen == .none {
            for instance in placement.instances {
                _ = try await host.supervisor.stop(instance, rule: placement.service.stop)
            }
        }
    }

    /// Stops a service's instances side by side and frees its slot.
    public func stop(_ placement: Placement) async throws {
        let supervisor = host.supervisor
        try await withThrowingTaskGroup(of: Void.self) { group in
            for instance in placement.instances {
                group.addTask { _ = try await supervisor.stop(instance, rule: placement.service.stop) }
            }
            try await group.waitForAll()
        }
        try host.slots.occupy(placement.slot, by: nil, service: placement.service.name)
        try host.slots.setWarmUntil(placement.service.name, placement.slot, nil)
    }

    /// The placement of whatever occupies a slot, from its release's manifest; where that is gone, as many instances
    /// as the slot has ports, stopped by the usual rule.
    public func occupant(of service: ServiceName, _ slot: SlotNumber, release: ReleaseID) throws -> Placement {
        let known = try? host.store.manifest(release).services.first { $0.name == service }
        return try Placement(known ?? Service(name: service, command: "", listen: .none), in: slot, of: host)
    }

    /// A slot that nobody needs: an empty one, else the occupied one that serves neither live nor warm.
    private func freeSlot(for service: ServiceName) async throws -> SlotNumber {
        if let empty = SlotNumber.allCases.first(where: { host.slots.occupant(service, $0) == nil }) { return empty }
        let current = try host.store.current()
        let expendable = SlotNumber.allCases.filter { host.slots.occupant(service, $0) != current }
        let oldest = expendable.min {
            (host.slots.warmUntil(service, $0) ?? 0) < (host.slots.warmUntil(service, $1) ?? 0)
        }
        guard let slot = oldest, let release = host.slots.occupant(service, slot) else {
            throw DeployError.noFreeSlot(service)
        }
        try await stop(try occupant(of: service, slot, release: release))
        return slot
    }
}
