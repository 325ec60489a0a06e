public import ReleaseModel
public import ReleaseStore
import SystemPackage

/// Removes releases past `keep`: never one that a link, a slot or a process uses, and releases that served count
/// alone, so that failed deploys cannot push out the last good one. The caller holds the app's lock.
public struct Prune: Sendable {
    let host: AppHost
    private let ledger: Ledger?

    /// Pruning in an app.
    ///
    /// - Parameter ledger: nil where it cannot be used.
    public init(_ host: AppHost, _ ledger: Ledger?) {
        self.host = host
        self.ledger = ledger
    }

    /// What `run` would remove.
    public func candidates(keep: Int) throws -> [ReleaseID] {
        let numbers = try host.store.deployNumbers(ledger)
        let releases = numbers.keys
        let newestFirst = numbers.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.map(\.key)
        var inUse = Set(host.slots.occupied().map(\.2))
        for link in [try host.store.current(), (try? host.store.previous()).flatMap { $0 }] {
            if let link { inUse.insert(link) }
        }
        let good = Set(releases.filter { host.store.served($0) && host.store.bad($0) == nil })
        let unneeded = ReleaseStore.pruneCandidates(among: newestFirst, keep: keep, good: good, inUse: inUse)
        guard !unneeded.isEmpty else { return [] }
        let roots = ReleaseUse(host.layout).paths()
        return unneeded.filter { !roots.contains(host.layout.release($0).root.string) && host.store.isComplete($0) }
    }

    /// Removes them.
    ///
    /// - Parameter settingAside: whether one of them becomes the spare; else the spare goes too, for its room.
    /// - Returns: the removed ones.
    public func run(keep: Int, settingAside: Bool = false) throws -> [ReleaseID] {
        let unneeded = try candidates(keep: keep)
        // The newest of them has the most in common with what comes next.
        let spare = settingAside && host.settings.share.recycles ? unneeded.last : nil
        try host.keepingLinkStamps(without: Set(unneeded)) {
            for release in unneeded where release != spare { try host.store.remove(release) }
        }
        if let spare {
            try host.store.setAside(spare)
        } else if !settingAside {
            try host.store.removeSpare()
        }
        return unneeded
    }
}
