import FailPoints
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
        let services = try host.store.manifest(release).services
        let found = try services.compactMap { try placement(of: $0, in: release) }
        return found.count == services.count ? found : nil
    }

    /// The services of a release that are in no slot.
    public func missing(of release: ReleaseID) throws -> [ServiceName] {
        try host.store.manifest(release).services.map(\.name).filter { host.slots.slot(of: $0, in: release) == nil }
    }

    /// Where a service of a release is now; nil when it is in no slot.
    func placement(of service: Service, in release: ReleaseID) throws -> Placement? {
        guard let slot = host.slots.slot(of: service.name, in: release) else { return nil }
        var placement = try Placement(service, in: slot, of: host)
        placement.isCarried = host.slots.occupant(service.name, slot) != release
        return placement
    }

    /// Whether the live release uses a slot, whoever has started what runs there.
    public func isLive(_ service: ServiceName, _ slot: SlotNumber) throws -> Bool {
        guard let current = try host.store.current() else { return false }
        return host.slots.slot(of: service, in: current) == slot
    }

    /// Whether every instance of a placement is up.
    func isUp(_ placement: Placement) async -> Bool {
        for instance in placement.instances {
            guard let status = try? await host.supervisor.status(instance), status.state == .up else { return false }
        }
        return true
    }

    /// Puts the services of a complete release into free slots and starts them.
    ///
    /// - Throws: `DeployError.noFreeSlot`, or what the store and the supervisor throw; nothing is left running then.
    ///
    /// A worker that must not run beside the live one is not started yet; `waiting(among:)` names it.
    ///
    /// - Parameter linking: whether the release's upstream links lead to the new slots at once; not for a release that
    ///   is live, whose requests would go to a candidate that nobody has checked.
    /// - Parameter carrying: whether a service that may go on as it is does, in place of being started.
    /// - Parameter only: which services; nil for all.
    public func start(
        _ release: ReleaseID, linking: Bool = true, carrying: Bool = true, only: [Service]? = nil
    ) async throws -> [Placement] {
        let layout = host.layout.release(release)
        var placements: [Placement] = []
        do {
            for service in try only ?? host.store.manifest(release).services {
                _ = try host.slots.ensure(service)
                if carrying, let carried = try await carry(service, into: release) {
                    placements.append(carried)
                    continue
                }
                try FailPoint.startBeforeSlot.pass("write", host.layout.slots)
                let slot = try await freeSlot(for: service.name)
                let placement = try Placement(service, in: slot, of: host)
                try placement.write(for: layout, in: host.layout)
                try host.slots.occupy(slot, by: release, service: service.name)
                try host.slots.setWarmUntil(service.name, slot, nil)
                placements.append(placement)
                try FailPoint.startAfterSlot.pass("write", host.layout.slots)
                if linking { try host.slots.link(release, service.name, to: slot) }
            }
            let own = placements.filter { !$0.isCarried }.flatMap(\.instances)
            guard !own.isEmpty else { return placements }
            try await host.supervisor.prepare(own + (host.supervisor.isSlowToNotice ? spares(of: release) : []))
            try FailPoint.startBeforeProcesses.pass("start", host.layout.slots)
            let waiting = Set(try waiting(among: placements).map(\.service.name))
            for placement in placements where !placement.isCarried && !waiting.contains(placement.service.name) {
                for instance in placement.instances { try await host.supervisor.start(instance) }
            }
            try FailPoint.startAfterProcesses.pass("start", host.layout.slots)
            return placements
        } catch {
            await takeBack(placements)
            throw error
        }
    }

    /// The instances of the slots that the next deploys will use, and nginx's: made known together with the first
    /// ones, since a supervisor may take seconds to notice what is new.
    private func spares(of release: ReleaseID) throws -> [SupervisedInstance] {
        let layout = host.layout.release(release)
        let manifest = try host.store.manifest(release)
        var result: [SupervisedInstance] = manifest.sites.isEmpty ? [] : try host.nginx.prepareInstances()
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
            try await stopInstances(of: placement)
        }
    }

    /// Undoes a start: stops what it has started, and nothing that was carried over; workers that were paused for it
    /// go on.
    ///
    /// - Parameter unnoted: workers that were paused, which the disk does not know.
    func takeBack(_ placements: [Placement], goingOnWith unnoted: [Placement] = []) async {
        for placement in placements where !placement.isCarried { try? await stop(placement) }
        for worker in unnoted { try? await goOn(worker) }
        try? await resume()
    }

    /// Stops a service's instances side by side: the stop signal, then its time for the requests in flight. What that
    /// was not enough for is killed; how many connections that cut is told and recorded.
    func stopInstances(of placement: Placement) async throws {
        let supervisor = host.supervisor
        let killed = try await withThrowingTaskGroup(of: Int?.self) { group in
            for instance in placement.instances {
                group.addTask {
                    let outcome = try await supervisor.stop(instance, rule: placement.service.stop)
                    if case .killed(let connections) = outcome { return connections }
                    return nil
                }
            }
            return try await group.reduce(into: [Int]()) { killed, one in if let one { killed.append(one) } }
        }
        if !killed.isEmpty { report(killed, of: placement) }
    }

    private func report(_ killed: [Int], of placement: Placement) {
        let release = host.slots.occupant(placement.service.name, placement.slot).map { " of \($0.short)" } ?? ""
        let cut = killed.reduce(0, +)
        let detail =
            "\(placement.service.name)\(release) did not end within \(placement.service.stop.within): "
            + "\(killed.count == 1 ? "" : "\(killed.count) instances ")killed, \(cut) connection\(cut == 1 ? "" : "s") cut"
        host.notice(detail)
        // What is lost of the record must not keep a service from being stopped.
        try? Ledger(host.layout).record(
            LedgerEvent(time: currentTime(), who: ProcessOwner.name, verb: "kill", detail: detail))
    }

    /// Stops a service's instances and frees its slot.
    public func stop(_ placement: Placement) async throws {
        try FailPoint.retireBeforeStop.pass("stop", host.layout.slots)
        try await stopInstances(of: placement)
        try FailPoint.retireAfterStop.pass("write", host.layout.slots)
        try host.slots.occupy(placement.slot, by: nil, service: placement.service.name)
        try host.slots.setWarmUntil(placement.service.name, placement.slot, nil)
    }

    /// The placement of whatever occupies a slot, from its release's manifest; where that is gone, as many instances
    /// as the slot has ports, stopped by the usual rule.
    public func occupant(of service: ServiceName, _ slot: SlotNumber, release: ReleaseID) throws -> Placement {
        let known = try? host.store.manifest(release).services.first { $0.name == service }
        return try Placement(known ?? Service(name: service, command: "", listen: .none), in: slot, of: host)
    }

    /// A slot that nobody needs: an empty one, else of those that are not live the one whose warm time ends first. What
    /// was live a moment ago comes last: nginx may still be receiving a request that it will take there.
    private func freeSlot(for service: ServiceName) async throws -> SlotNumber {
        let all = SlotNumber.allCases
        let live = try all.firstIndex { try isLive(service, $0) } ?? all.count - 1
        let inTurn = all[(live + 1)...] + all[...live]
        if let empty = inTurn.first(where: { host.slots.occupant(service, $0) == nil }) { return empty }
        let expendable = try SlotNumber.allCases.filter { try !isLive(service, $0) }
        let now = currentTime()
        func order(_ slot: SlotNumber) -> (Double, Double) {
            let left = host.slots.left(service, slot) ?? 0
            return (now - left < AppSettings.restartDrain ? left : 0, host.slots.warmUntil(service, slot) ?? 0)
        }
        let oldest = expendable.min { order($0) < order($1) }
        guard let slot = oldest, let release = host.slots.occupant(service, slot) else {
            throw DeployError.noFreeSlot(service, app: host.layout.name)
        }
        try await stop(try occupant(of: service, slot, release: release))
        return slot
    }
}
