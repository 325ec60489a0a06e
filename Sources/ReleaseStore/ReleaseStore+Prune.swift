import FailPoints
public import ReleaseModel
import SystemPackage

extension ReleaseStore {
    /// Which releases to remove, the oldest first: all that are neither in use nor among the newest `keep` good ones.
    ///
    /// - Parameter releases: all that there are, the newest first.
    /// - Parameter good: those that served and were not found bad; only they count for `keep`.
    /// - Parameter inUse: those that a link, a slot or a process uses.
    public static func pruneCandidates(
        among releases: [ReleaseID], keep: Int, good: Set<ReleaseID>, inUse: Set<ReleaseID>
    ) -> [ReleaseID] {
        let kept = Set(releases.filter(good.contains).prefix(max(keep, 1)))
        return releases.reversed().filter { !kept.contains($0) && !inUse.contains($0) }
    }

    /// Which releases to remove, as the disk has it; never the live one, the previous one or one in a slot.
    ///
    /// - Parameter good: those that count for `keep`; the ones that served and are not bad, unless told.
    /// - Parameter inUse: those that something else uses.
    public func pruneCandidates(
        keep: Int, good: Set<ReleaseID>? = nil, inUse: Set<ReleaseID> = []
    ) throws(StoreError) -> [ReleaseID] {
        let releases = try newestFirst()
        var used = inUse.union(SlotStore(app).occupied().map(\.release))
        for id in [try current(), try named(at: app.previous)] { if let id { used.insert(id) } }
        let good = good ?? Set(releases.filter { served($0) && bad($0) == nil })
        return Self.pruneCandidates(among: releases, keep: keep, good: good, inUse: used)
    }

    /// Removes a release: out of sight by one rename first, then file by file, no link followed. What a crash leaves
    /// is swept by `sweepPartials`.
    ///
    /// - Throws: `releaseInUse` where a link or a slot has it, `oddLink` where that cannot be told (F40).
    public func remove(_ id: ReleaseID) throws(StoreError) {
        try refuseUsed(id)
        let hidden = ".\(id).removing"
        try TreeRemoval.remove(app.releases.appending(hidden))
        let releases = try Directory(opening: app.releases)
        guard try releases.status(of: FilePath(id.directoryName)) != nil else { throw .missingRelease(app.name, id) }
        try FailPoint.pruneBeforeHide.pass("rename", app.release(id).root)
        try releases.rename(FilePath(id.directoryName), to: FilePath(hidden))
        try FailPoint.pruneAfterHide.pass("remove", app.releases.appending(hidden))
        try TreeRemoval.remove(app.releases.appending(hidden))
        try FailPoint.pruneAfterRemove.pass("remove", app.releases.appending(hidden))
    }

    func refuseUsed(_ id: ReleaseID) throws(StoreError) {
        if let user = try user(of: id) { throw .releaseInUse(app.name, id, user: user) }
    }

    private func user(of id: ReleaseID) throws(StoreError) -> String? {
        if try current() == id { return "current" }
        if try named(at: app.previous) == id { return "previous" }
        return SlotStore(app).occupied().first { $0.release == id }.map { "\($0.service), slot \($0.slot)" }
    }
}
