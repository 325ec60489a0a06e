import FailPoints
import Glibc
public import ReleaseModel
public import SystemPackage

/// The spare: the release that was pruned last, kept out of every list for the next export to make its release of. What
/// the two have in common is neither read nor written again, and no two releases share a file.
extension ReleaseStore {
    /// Where it is.
    public var spare: FilePath { app.releases.appending(".spare") }

    /// A spare that has become a partial.
    public struct Recycled: Sendable {
        /// The partial.
        public let partial: FilePath
        /// The commit that it was exported from.
        public let commit: CommitID
        /// What was exported into it.
        public let index: IndexTable
        /// The paths of the index that are not there as they were exported, and not at all any more.
        public let missing: Set<[UInt8]>
    }

    /// Makes a release the spare, in one rename, in place of an older one.
    ///
    /// - Throws: `releaseInUse`, `oddLink`, as `remove` does.
    public func setAside(_ id: ReleaseID) throws(StoreError) {
        try refuseUsed(id)
        try TreeRemoval.remove(spare)
        let releases = try Directory(opening: app.releases)
        guard try releases.status(of: FilePath(id.directoryName)) != nil else { throw .missingRelease(app.name, id) }
        try FailPoint.pruneBeforeHide.pass("rename", app.release(id).root)
        try releases.rename(FilePath(id.directoryName), to: ".spare")
        try FailPoint.pruneAfterSpare.pass("sync", app.releases)
        try releases.sync()
    }

    /// Removes the spare; nothing happens where there is none.
    public func removeSpare() throws(StoreError) { try TreeRemoval.remove(spare) }

    /// Makes the spare a deploy's partial: what was not exported into it is removed, and so is every file that was
    /// written to since. A kill on the way leaves a partial, which is swept as ever.
    ///
    /// - Returns: nil where there is no spare, or one whose index cannot be used; it is removed then.
    public func recycleSpare(deploy: Int) throws(StoreError) -> Recycled? {
        guard spare.isRealDirectory else { return nil }
        let old = ReleaseLayout(root: spare)
        guard let information = try? ReleaseInformation.load(from: old.information),
            let index = IndexTable(reading: old.index), index.count > 0
        else {
            try removeSpare()
            return nil
        }
        let partial = app.partial(deploy)
        try TreeRemoval.remove(partial)
        let releases = try Directory(opening: app.releases)
        try releases.rename(".spare", to: FilePath(partial.lastComponent?.string ?? ""))
        let missing = try bringBack(partial, to: index)
        return Recycled(partial: partial, commit: information.id.commit, index: index, missing: missing)
    }

    /// Makes a partial of what was a release: what was not exported into it is removed, and what was written to since.
    ///
    /// - Returns: the paths of the index that are not there any more.
    func bringBack(_ partial: FilePath, to index: IndexTable) throws(StoreError) -> Set<[UInt8]> {
        try TreeRemoval.remove(".pmo", of: Directory(opening: partial, following: false))
        let missing = try TreeVerification.run(partial, index)
        try makePrivate(of: partial)
        return missing
    }
}

/// The clock by which file systems stamp files (`CLOCK_REALTIME_COARSE`).
public enum FileClock {
    /// Waits until a file that changes gets a later stamp, some milliseconds at most: a change in the same tick would
    /// not be noticed (git's `Documentation/technical/racy-git.txt`).
    public static func pass(_ stamp: Int) {
        // A clock that was set back is not waited for.
        for _ in 0..<50 {
            var time = timespec()
            clock_gettime(clockid_t(CLOCK_REALTIME_COARSE), &time)
            let now = time.tv_sec * 1_000_000_000 + time.tv_nsec
            if now > stamp || stamp - now > 1_000_000_000 { return }
            usleep(1000)
        }
    }
}
