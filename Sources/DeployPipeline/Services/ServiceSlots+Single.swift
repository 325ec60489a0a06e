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
    ///
    /// - Throws: `StoreError` where a pause cannot be noted; that worker runs on.
    func changeOver(to waiting: [Placement]) async throws {
        for worker in try live(of: waiting) where try await !isStopped(worker) {
            try host.slots.setPaused(worker.service.name, worker.slot, true)
            try await stopInstances(of: worker)
        }
        try await startWorkers(of: waiting)
    }

    /// The live workers in whose place some others come.
    func live(of waiting: [Placement]) throws -> [Placement] {
        try waiting.compactMap { try liveWorker($0.service.name) }
    }

    /// Stops workers so that they are started again if nothing takes their place; also on a disk that is too full to note
    /// that, which must not keep a rollback from happening.
    ///
    /// - Parameter unnoted: those of which nothing could be noted.
    func pause(_ workers: [Placement], _ unnoted: inout [Placement]) async throws {
        // One that a command has stopped stays as it is; one that has ended would come back beside its successor.
        for worker in workers where worker.service.listen == .none {
            guard try await !isStopped(worker) else { continue }
            do { try host.slots.setPaused(worker.service.name, worker.slot, true) } catch { unnoted.append(worker) }
            try await stopInstances(of: worker)
        }
    }

    /// Ends every pause: a live worker starts again; of any other the pause is forgotten. Call it once what would have
    /// taken its place is stopped or live.
    func resume() async throws {
        for (service, slot, release) in host.slots.occupied() where host.slots.isPaused(service, slot) {
            if try isLive(service, slot) { try await goOn(occupant(of: service, slot, release: release)) }
            try host.slots.setPaused(service, slot, false)
        }
    }

    /// Starts a worker again.
    func goOn(_ worker: Placement) async throws {
        try await host.supervisor.prepare(worker.instances)
        try await startWorkers(of: [worker])
    }

    /// Whether something of a worker that is not live runs, or would again.
    func isStrayWorker(_ placement: Placement) async throws -> Bool {
        guard placement.service.listen == .none else { return false }
        return try await !isStopped(placement)
    }

    private func isStopped(_ worker: Placement) async throws -> Bool {
        for instance in worker.instances where try await !host.supervisor.status(instance).isStopped { return false }
        return true
    }

    private func liveWorker(_ service: ServiceName) throws -> Placement? {
        guard let current = try host.store.current(),
            let known = try host.store.manifest(current).services.first(where: { $0.name == service }),
            known.listen == .none
        else { return nil }
        return try placement(of: known, in: current)
    }
}
