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
    ///
    /// - Parameter releases: those that there are; looked for unless given.
    public func candidates(keep: Int, among releases: ReleaseLook? = nil) throws -> [ReleaseID] {
        let releases = try releases ?? host.store.look(ledger)
        var inUse = Set(host.slots.occupied().map(\.2))
        for link in [try host.store.current(), (try? host.store.previous()).flatMap { $0 }] {
            if let link { inUse.insert(link) }
        }
        let unneeded = ReleaseStore.pruneCandidates(
            among: releases.newestFirst, keep: keep, good: releases.good, inUse: inUse)
        guard !unneeded.isEmpty else { return [] }
        let roots = ReleaseUse(host.layout).paths()
        return unneeded.filter { !roots.contains(host.layout.release($0).root.string) && host.store.isComplete($0) }
    }

    /// Removes them.
    ///
    /// - Parameter releases: those that there are; looked for unless given.
    /// - Parameter settingAside: whether one of them becomes the spare; else the spare goes too, for its room.
    /// - Returns: the removed ones.
    public func run(
        keep: Int, among releases: ReleaseLook? = nil, settingAside: Bool = false
    ) throws -> [ReleaseID] {
        let unneeded = try candidates(keep: keep, among: releases)
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
