import FailPoints
import HostControl
public import ReleaseModel
public import ReleaseStore
import SystemPackage

/// Brings what was cut short to an end: the disk decides, the ledger follows. Idempotent; the caller holds the app's
/// lock, so whatever still counts as running has lost its process, unless it waits for the lock itself.
public struct Recovery: Sendable {
    let host: AppHost
    /// nil where it cannot be used; what it is to be told is kept until it can.
    let ledger: Ledger?
    let intents: IntentStore

    /// Recovery in an app.
    public init(_ host: AppHost, _ ledger: Ledger?) {
        self.host = host
        self.ledger = ledger
        intents = IntentStore(host.layout)
    }

    /// Recovers where something was cut short; else nothing is changed or stopped.
    public func runIfNeeded() async throws {
        if try await isNeeded() { try await run() }
    }

    /// Recovers.
    ///
    /// - Parameter leavingStrays: whether `removeStrays`, which looks at every release, is left to the caller; not where
    ///   something was cut short.
    /// - Returns: the deploys that were brought to an end.
    /// - Throws: `StoreError.oddLink` where `current` is not what it should be (F40): nothing is touched then.
    @discardableResult
    public func run(leavingStrays: Bool = false) async throws -> [Deploy] {
        _ = try host.store.current()
        var ended: [Deploy] = []
        let numbers = try numbers()
        for number in numbers {
            if let deploy = try await bringToAnEnd(number) { ended.append(deploy) }
        }
        let alive = try alive(of: numbers)
        try await sweep(except: alive)
        if !leavingStrays || !ended.isEmpty { _ = try removeStrays(except: alive) }
        try FailPoint.recoveryAfterSweep.pass("recover", host.layout.root)
        return ended
    }

    /// A dead deploy's actions, one after the other: each is decided by what the one before has left.
    private func bringToAnEnd(_ number: Int) async throws -> Deploy? {
        var candidate = Remains.Candidate.unknown
        var isEnded = false
        while let action = try remains(of: number, candidate).next {
            try FailPoint.recoveryBeforeAction.pass("recover", host.layout.root)
            candidate = try await perform(action, number, candidate)
            try FailPoint.recoveryAfterAction.pass("recover", host.layout.root)
            if action == .recordLive || action == .recordFailed { isEnded = true }
        }
        return isEnded ? try ledger?.deploy(number) : nil
    }

    /// What belongs to no deploy.
    private func sweep(except alive: Set<Int>) async throws {
        _ = try host.store.sweepPartials(except: alive)
        try StepStore(host.layout).sweep()
        try await Retirement(host).retireExpired()
        if let current = try host.store.current(), !host.store.served(current) { try? host.store.markServed(current) }
        try await LiveSwitch(host).restoreSite()
    }

    private func alive(of numbers: [Int]) throws -> Set<Int> { try Set(numbers.filter { try remains(of: $0).isAlive }) }

    /// Removes complete releases whose deploy ended before the switch, and records those that the ledger does not know.
    ///
    /// - Returns: the releases that there are then.
    public func removeStrays() throws -> ReleaseLook { try removeStrays(except: alive(of: numbers())) }

    private func removeStrays(except alive: Set<Int>) throws -> ReleaseLook {
        var used = Set(host.slots.occupied().map(\.release))
        if let current = try host.store.current() { used.insert(current) }
        if let previous = (try? host.store.previous()).flatMap({ $0 }) { used.insert(previous) }
        let found = try host.store.look(ledger)
        var strays: [ReleaseID] = []
        for release in found.unserved where !used.contains(release) {
            guard let number = try? host.store.information(release).deploy, !alive.contains(number) else { continue }
            // Its mark is gone, and the ledger knows better.
            if let state = try? ledger?.deploy(number)?.state, [.live, .reverted].contains(state) {
                try? host.store.markServed(release)
                continue
            }
            try host.store.remove(release)
            strays.append(release)
        }
        let left = found.without(strays)
        try ledger?.rebuild(from: host.store, left)
        return left
    }
}
