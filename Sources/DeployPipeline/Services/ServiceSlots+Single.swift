import HostControl
import ReleaseModel
import ReleaseStore

/// Workers of which there are never two: the live one is paused, which the disk knows, before the next one starts.
/// Whoever is killed in between leaves a pause, and the next one to hold the lock ends it: by the start of the worker
/// that is live by then.
extension ServiceSlots {
    /// Of some placements those that must not start while the live release's worker of that name runs: either of the
    /// two is `single`.
    func waiting(among placements: [Placement]) throws -> [Placement] {
        try placements.filter { placement in
            guard let live = try liveWorker(placement.service.name), live.slot != placement.slot,
                placement.service.listen == .none
            else { return false }
            return placement.service.single == true || live.service.single == true
        }
    }

    /// Stops the live workers in whose place others come, and starts those.
    func changeOver(to waiting: [Placement]) async throws {
        try await pause(waiting.compactMap { try liveWorker($0.service.name) })
        try await startWorkers(of: waiting)
    }

    /// Stops workers so that they are started again if nothing takes their place. One that does not run stays as it is.
    func pause(_ workers: [Placement]) async throws {
        for worker in workers where worker.service.listen == .none {
            guard await isUp(worker) else { continue }
            // A full disk must not keep a rollback from happening.
            try? host.slots.setPaused(worker.service.name, worker.slot, true)
            _ = try await stopInstances(of: worker)
        }
    }

    /// Ends every pause: a live worker starts again; of any other the pause is forgotten. Call it once what would have
    /// taken its place is stopped or live.
    func resume() async throws {
        for (service, slot, release) in host.slots.occupied() where host.slots.isPaused(service, slot) {
            if try isLive(service, slot) {
                let worker = try occupant(of: service, slot, release: release)
                try await host.supervisor.prepare(worker.instances)
                try await startWorkers(of: [worker])
            }
            try host.slots.setPaused(service, slot, false)
        }
    }

    private func liveWorker(_ service: ServiceName) throws -> Placement? {
        guard let current = try host.store.current(),
            let known = try host.store.manifest(current).services.first(where: { $0.name == service }),
            known.listen == .none
        else { return nil }
        return try placement(of: known, in: current)
    }
}
