import ReleaseModel
import ReleaseStore

extension ServiceSlots {
    /// Carries the live processes of a service over to a release, where they may go on: the service asks for it, its
    /// processes come from the same as the release's would, and all of them are up.
    ///
    /// - Returns: nil where they must be started.
    func carry(_ service: Service, into release: ReleaseID) async throws -> Placement? {
        guard service.restartInputs != nil, let current = try host.store.current(), current != release,
            let slot = host.slots.slot(of: service.name, in: current),
            let occupant = host.slots.occupant(service.name, slot), occupant != release,
            let key = host.store.key(of: service.name, in: release),
            key == host.store.key(of: service.name, in: occupant)
        else { return nil }
        var placement = try Placement(service, in: slot, of: host)
        placement.isCarried = true
        guard await isUp(placement) else { return nil }
        try host.slots.carry(service.name, in: slot, into: release)
        return placement
    }

    /// Of a release's services those that can serve at once: in a slot, and up where they listen. The workers of a
    /// release that was left are down and start again quickly.
    func ready(_ services: [Service], of release: ReleaseID) async throws -> [Placement] {
        var ready: [Placement] = []
        for service in services {
            guard let placement = try placement(of: service, in: release) else { continue }
            if service.listen == .none {
                ready.append(placement)
            } else if await isUp(placement) {
                ready.append(placement)
            }
        }
        return ready
    }

    /// Stops what is left of some services of a release, so that they can be started anew; never what is live.
    func clear(_ services: [Service], of release: ReleaseID) async throws {
        for service in services {
            guard let placement = try placement(of: service, in: release),
                try !isLive(service.name, placement.slot)
            else { continue }
            try await stop(placement)
        }
    }
}
