import FailPoints
import Glibc
public import ReleaseModel
import SystemPackage

extension ReleaseStore {
    /// Makes a release the live one: `previous` first, then `current` in one rename, then the directory to the disk.
    /// Where the release is the one that `previous` names, the two links are exchanged, which takes neither a block nor
    /// an inode: a rollback works on a full disk (F18). Where the directory cannot be synced, the links are exchanged
    /// back: what is live then is what was (F20).
    ///
    /// - Returns: how long the rename took, alone; zero where the release was live already.
    /// - Throws: `missingRelease`, or `oddLink` where `current` is not what it should be (F40); nothing is touched then.
    @discardableResult
    public func pointCurrent(at id: ReleaseID) throws(StoreError) -> Duration {
        try require(id)
        let live = try current()
        guard live != id else { return .zero }
        let before = try named(at: app.previous)
        let root = try Directory(opening: app.root)
        try FailPoint.switchBeforeLinks.pass("rename", app.current)
        let time: Duration
        if let exchanged = try exchange(to: id, from: live, in: root) {
            time = exchanged
        } else {
            time = try replace(with: id, from: live, before, in: root)
        }
        do throws(StoreError) {
            try FailPoint.switchAfterRename.pass("sync", app.root)
            try root.sync()
            try FailPoint.switchAfterDirectorySync.pass("sync", app.root)
        } catch {
            takeBack(to: live, before, in: root)
            throw error
        }
        return time
    }

    /// nil where the exchange is not to be had: another release, or a file system without it.
    private func exchange(
        to id: ReleaseID, from live: ReleaseID?, in root: borrowing Directory
    ) throws(StoreError) -> Duration? {
        guard live != nil, try named(at: app.previous) == id else { return nil }
        try FailPoint.switchBeforeExchange.pass("rename", app.current)
        let begin = ContinuousClock.now
        do throws(StoreError) {
            try root.rename("previous", to: "current", flags: RenameFlag.exchange)
        } catch .system(_, _, EINVAL) {
            return nil
        } catch .system(_, _, ENOSYS) {
            return nil
        }
        return ContinuousClock.now - begin
    }

    /// Both links are made before either is renamed, so that a full disk changes nothing. What `previous` named stays
    /// beside it until `current` is renamed: who is killed in between loses no way back (`restorePrevious`).
    private func replace(
        with id: ReleaseID, from live: ReleaseID?, _ previous: ReleaseID?, in root: borrowing Directory
    ) throws(StoreError) -> Duration {
        let next = TemporaryName.next(for: "current")
        try root.makeLink(next, to: "releases/\(id)")
        var aside: String?
        var isReplaced = false
        do throws(StoreError) {
            try FailPoint.switchBeforePrevious.pass("rename", app.previous)
            // Refuses a `previous` that is no link; one that dangles is mended.
            if let live, previous != live {
                aside = try root.exchangeLink("previous", to: "releases/\(live)")
                isReplaced = true
            }
            try FailPoint.switchBeforeRename.pass("rename", app.current)
            let begin = ContinuousClock.now
            try root.rename(FilePath(next), to: "current")
            let time = ContinuousClock.now - begin
            if let aside { _ = unlinkat(root.descriptor, aside, 0) }
            return time
        } catch {
            _ = unlinkat(root.descriptor, next, 0)
            if let aside {
                try? root.rename(FilePath(aside), to: "previous")
            } else if isReplaced {
                putBack(previous, in: root)
            }
            throw error
        }
    }

    /// Gives `previous` back what it named before a switch whose process is gone and that has not come to the rename of
    /// `current`: both links name the live release then.
    func restorePrevious() throws(StoreError) {
        // What is odd about either is the doctor's to tell, and keeps nothing from being started.
        guard let live = try? current(), (try? named(at: app.previous)) == live else { return }
        let root = try Directory(opening: app.root)
        for name in try root.names(startingWith: [".previous."]) where TemporaryName.isLeftover(name) {
            guard let target = try root.linkTarget(name), let before = named(by: target), before != live,
                app.release(before).isComplete
            else { continue }
            try root.rename(FilePath(name), to: "previous")
            return try root.sync()
        }
    }

    /// Whichever of the two the disk has after a power cut, it is a whole release.
    private func takeBack(to live: ReleaseID?, _ previous: ReleaseID?, in root: borrowing Directory) {
        if live == nil {
            _ = try? root.removeFile("current")
        } else {
            try? root.rename("previous", to: "current", flags: RenameFlag.exchange)
            putBack(previous, in: root)
        }
        try? root.sync()
    }

    private func putBack(_ previous: ReleaseID?, in root: borrowing Directory) {
        guard let previous else {
            _ = try? root.removeFile("previous")
            return
        }
        if (try? named(at: app.previous)) != previous {
            try? root.replaceLink("previous", to: "releases/\(previous)")
        }
    }
}
