public import ReleaseModel
import SystemPackage

/// What one look at all releases of an app finds. A deploy tidies by it, so that beside a thousand releases it takes one
/// listing, one query and a look at two marks of each.
public struct ReleaseLook: Sendable {
    /// What has the name of a release, with the number of the deploy that made it; 0 where that cannot be told.
    public private(set) var numbers: [ReleaseID: Int]
    /// Those that the ledger does not know; all of them where it cannot be used.
    public private(set) var unknown: Set<ReleaseID>
    /// Those that were live.
    public private(set) var served: Set<ReleaseID>
    /// Those that nobody should switch to without being told.
    public private(set) var bad: Set<ReleaseID>

    /// Those that were never live.
    public var unserved: [ReleaseID] { numbers.keys.filter { !served.contains($0) } }

    /// Those that served and were not found bad.
    public var good: Set<ReleaseID> { served.subtracting(bad) }

    /// By the deploy that made them, the newest first; one whose deploy cannot be told comes last.
    public var newestFirst: [ReleaseID] {
        numbers.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.map(\.key)
    }

    /// What is left once these are gone.
    public func without(_ removed: [ReleaseID]) -> ReleaseLook {
        var left = self
        for id in removed { left.numbers[id] = nil }
        left.unknown.subtract(removed)
        left.served.subtract(removed)
        left.bad.subtract(removed)
        return left
    }
}

extension ReleaseStore {
    /// Looks at all releases.
    ///
    /// - Parameter ledger: asked for the deploys first, since that reads one file for all of them; nil where it cannot
    ///   be used.
    public func look(_ ledger: Ledger?) throws(StoreError) -> ReleaseLook {
        let names = try named()
        let known = (try? ledger?.deployNumbers()) ?? [:]
        var numbers: [ReleaseID: Int] = [:]
        var unknown: Set<ReleaseID> = []
        var served: Set<ReleaseID> = []
        var bad: Set<ReleaseID> = []
        // It may not be there yet, and then there are no names.
        guard !names.isEmpty else { return ReleaseLook(numbers: [:], unknown: [], served: [], bad: []) }
        numbers.reserveCapacity(names.count)
        served.reserveCapacity(names.count)
        let releases = try Directory(opening: app.releases)
        for id in names {
            let release = ReleaseLayout(root: FilePath(id.directoryName))
            if releases.hasFile(release.served) { served.insert(id) }
            if releases.hasFile(release.bad) { bad.insert(id) }
            if let number = known[id] {
                numbers[id] = number
            } else {
                unknown.insert(id)
                numbers[id] = (try? information(id))?.deploy ?? 0
            }
        }
        return ReleaseLook(numbers: numbers, unknown: unknown, served: served, bad: bad)
    }
}
