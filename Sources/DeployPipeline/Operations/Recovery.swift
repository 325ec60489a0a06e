import HostControl
public import ReleaseModel
public import ReleaseStore

/// Brings what a killed deploy has left to an end: the disk decides, the ledger follows. Idempotent; the caller holds
/// the app's lock, so whatever still counts as running has lost its process, unless it waits for the lock itself.
public struct Recovery: Sendable {
    let host: AppHost
    let ledger: Ledger

    /// Recovery in an app.
    public init(_ host: AppHost, _ ledger: Ledger) {
        self.host = host
        self.ledger = ledger
    }

    /// Recovers where the ledger has a deploy that has not ended, or a worker stands still for another one; else nothing
    /// is stopped.
    public func runIfNeeded() async throws {
        let isPaused = host.slots.occupied().contains { host.slots.isPaused($0.service, $0.slot) }
        guard try isPaused || !ledger.running().isEmpty else { return }
        try await run()
    }

    /// Recovers.
    ///
    /// - Returns: the deploys that were brought to an end.
    @discardableResult
    public func run() async throws -> [Deploy] {
        var ended: [Deploy] = []
        var alive: Set<Int> = []
        for deploy in try ledger.running() {
            if deploy.process?.isAlive == true || (deploy.process == nil && currentTime() - deploy.created < 10) {
                alive.insert(deploy.number)
            } else {
                ended.append(try end(deploy))
            }
        }
        _ = try host.store.sweepPartials(except: alive)
        try StepStore(host.layout).sweep()
        try await Retirement(host).retireExpired()
        if let current = try host.store.current(), !host.store.served(current) { try? host.store.markServed(current) }
        try removeUnserved(except: alive)
        return ended
    }

    private func end(_ deploy: Deploy) throws -> Deploy {
        BuildSandbox.endLeftOvers(of: host.layout.partial(deploy.number))
        if let release = deploy.release { BuildSandbox.endLeftOvers(of: host.layout.release(release).root) }
        let live = try host.store.current().flatMap { try? host.store.information($0) }
        if live?.deploy != deploy.number { DeployReference.remove(deploy.number, of: host) }
        return try ledger.update(deploy.number) {
            if live?.deploy == deploy.number {
                $0.state = .live
                $0.release = live?.id
            } else {
                $0.state = .failed
                $0.reason = "its process ended in \(deploy.phase?.rawValue ?? "the queue")"
            }
            $0.finished = currentTime()
        }
    }

    /// Complete releases whose deploy ended before the switch.
    private func removeUnserved(except alive: Set<Int>) throws {
        var used = Set(host.slots.occupied().map(\.release))
        if let current = try host.store.current() { used.insert(current) }
        if let previous = (try? host.store.previous()).flatMap({ $0 }) { used.insert(previous) }
        for release in try host.store.releases() where !used.contains(release) && !host.store.served(release) {
            guard let number = try? host.store.information(release).deploy, !alive.contains(number) else { continue }
            try host.store.remove(release)
        }
    }
}
