import HostControl
import ReleaseModel
import ReleaseStore

extension Recovery {
    /// Whether something was cut short.
    func isNeeded() async throws -> Bool {
        if try numbers().contains(where: { try remains(of: $0).next != nil }) { return true }
        if try host.store.hasLeftovers() || !LiveSwitch(host).hasRightSite() { return true }
        let services = ServiceSlots(host)
        for (service, slot, release) in host.slots.occupied() {
            // A worker that stands still for another one was left so.
            if host.slots.isPaused(service, slot) { return true }
            guard try !services.isLive(service, slot) else { continue }
            guard host.slots.warmUntil(service, slot) != nil else { return true }
            let warm = try services.occupant(of: service, slot, release: release)
            if try await services.isStrayWorker(warm) { return true }
        }
        return false
    }

    /// The deploys of which something may be left: those that the ledger has open, that have an intent or a partial, and
    /// the live release's own.
    func numbers() throws -> [Int] {
        var numbers = try Set(intents.numbers()).union(host.store.partials())
        if let ledger { numbers.formUnion(try ledger.running().map(\.number)) }
        if let current = try host.store.current() { numbers.insert(try host.store.information(current).deploy) }
        return numbers.sorted()
    }

    func remains(of number: Int, _ candidate: Remains.Candidate = .unknown) throws -> Remains {
        let intent = intents.intent(number)
        let deploy = try ledger?.deploy(number)
        let isAlive = isAlive(deploy, intent)
        // What a living one has made is its own matter: nothing is looked for.
        return Remains(
            isAlive: isAlive, row: row(deploy), intent: try look(intent, number),
            hasPartial: host.store.hasPartial(number), made: isAlive ? .nothing : try made(number, intent),
            candidate: candidate)
    }

    private func isAlive(_ deploy: Deploy?, _ intent: DeployIntent?) -> Bool {
        guard let deploy else { return intent?.deploy.process?.isAlive == true }
        return !deploy.state.isFinal && !host.layout.isOrphaned(deploy)
    }

    private func row(_ deploy: Deploy?) -> Remains.Row {
        guard ledger != nil else { return .unreadable }
        guard let deploy else { return .missing }
        switch deploy.state {
        case .live, .reverted: return .live
        default: return deploy.state.isFinal ? .ended : .open
        }
    }

    private func look(_ intent: DeployIntent?, _ number: Int) throws -> Remains.Intent {
        guard let intent else { return try intents.numbers().contains(number) ? .lost : .none }
        return intent.phase == .switch ? .switching : .early
    }

    /// The mark of a release that served is made before the rename, so it does not tell; but with an intent, the release
    /// was never live: whoever takes the lock recovers first.
    private func made(_ number: Int, _ intent: DeployIntent?) throws -> Remains.Made {
        if let current = try host.store.current(), try host.store.information(current).deploy == number { return .live }
        return try release(of: number, intent) == nil ? .nothing : .complete
    }

    /// The deploy's release, which is not live.
    func release(of number: Int, _ intent: DeployIntent?) throws -> ReleaseID? {
        try host.store.named().first { release in
            guard intent?.release == release || !host.store.served(release) else { return false }
            return (try? host.store.information(release).deploy) == number
        }
    }
}
