import CLinux
import FailPoints
import Glibc
public import ReleaseModel
public import SystemPackage

extension ReleaseStore {
    /// Makes the directory in which a deploy makes its release, with `.pmo/units` and `.pmo/upstream` inside. One that
    /// a dead deploy of that number left is removed first.
    ///
    /// - Parameter cloneable: whether it is a subvolume where the file system has these, so that a later release can be
    ///   a snapshot of it.
    public func makePartial(deploy: Int, cloneable: Bool = false) throws(StoreError) -> FilePath {
        let path = app.partial(deploy)
        try app.releases.makeDirectories()
        try TreeRemoval.remove(path)
        if cloneable { _ = try Subvolume.make(path) }
        try makePrivate(of: path)
        return path
    }

    /// Makes the directories of our own in a partial, and the partial where it is not there.
    func makePrivate(of partial: FilePath) throws(StoreError) {
        let layout = ReleaseLayout(root: partial)
        for directory in [partial, layout.private, layout.units, layout.upstream] {
            try directory.makeDirectories(durable: false)
        }
    }

    /// Makes a partial a release: all of its bytes on the disk first, then its name, then the directory.
    ///
    /// - Throws: `releaseExists`; `damaged` where `.pmo/release.json` is missing or `.pmo` is no directory of ours.
    public func complete(partial: FilePath, as id: ReleaseID) throws(StoreError) {
        guard ReleaseLayout(root: partial).isComplete else {
            throw .damaged(path: partial, problem: "has no .pmo/release.json, so it is no release yet")
        }
        let made = try Directory(opening: partial, following: false)
        try FailPoint.completeBeforeSync.pass("sync", partial)
        try checked("sync", partial) { syncfs(made.descriptor) }
        try FailPoint.completeAfterSync.pass("rename", partial)
        let releases = try Directory(opening: app.releases)
        do throws(StoreError) {
            try releases.rename(
                partial.lastComponent?.string ?? "", to: id.directoryName, flags: RenameFlag.noReplace)
        } catch .system(_, _, EEXIST) {
            throw .releaseExists(app.name, id)
        }
        try FailPoint.completeAfterRename.pass("sync", app.releases)
        try releases.sync()
        try FailPoint.completeAfterDirectorySync.pass("sync", app.releases)
    }

    /// Removes what the dead left: partials of deploys other than those given, releases half removed, temporary files.
    ///
    /// - Parameter except: the deploys that run.
    /// - Returns: what was removed.
    @discardableResult
    public func sweepPartials(except running: Set<Int>) throws(StoreError) -> [FilePath] {
        var swept: [FilePath] = []
        for name in try app.releases.namesInside(startingWith: ".") where isLeftover(name, running: running) {
            let path = app.releases.appending(name)
            try TreeRemoval.remove(path)
            swept.append(path)
        }
        try restorePrevious()
        for path in Self.placesOfTemporaryFiles(app) where path != app.releases && path.isRealDirectory {
            let directory = try Directory(opening: path)
            swept += try directory.sweepTemporaryFiles().map { path.appending($0) }
        }
        return swept
    }

    static func placesOfTemporaryFiles(_ app: AppLayout) -> [FilePath] {
        [app.root, app.releases, app.intents, app.environmentFile.removingLastComponent()]
    }

    private func isLeftover(_ name: String, running: Set<Int>) -> Bool {
        if name.hasSuffix(".removing") || TemporaryName.isLeftover(name) { return true }
        guard name.hasSuffix(".partial") else { return false }
        guard let number = Int(name.dropFirst().dropLast(".partial".count)) else { return true }
        return !running.contains(number)
    }
}
