import CLinux
import FailPoints
import Glibc
import ReleaseModel
import SystemPackage

extension AppLayout {
    /// Makes the app appear with all it has in one rename, so that no app is ever there in part.
    ///
    /// - Parameter make: makes it at the layout that it is given, which is beside its place.
    /// - Throws: what `make` throws; `StoreError.system` with `EEXIST` where something is at its place by now, which is
    ///   left as it is.
    public func appear(_ make: (AppLayout) throws -> Void) throws {
        let home = try Directory(opening: host.home)
        let name = TemporaryName.next(for: name.text)
        let made = AppLayout(name: self.name, host: host, root: host.home.appending(name))
        do {
            try make(made)
            let directory = try Directory(opening: made.root, following: false)
            try checked("sync", made.root) { syncfs(directory.descriptor) }
            try FailPoint.createBeforeRename.pass("rename", root)
            try home.rename(name, to: self.name.text, flags: RenameFlag.noReplace)
            try home.sync()
        } catch {
            try? TreeRemoval.remove(made.root)
            throw error
        }
    }

    /// Makes the app disappear in one rename, and removes what it had.
    public func disappear() throws(StoreError) {
        let home = try Directory(opening: host.home)
        let name = TemporaryName.next(for: name.text)
        do throws(StoreError) {
            try home.rename(FilePath(self.name.text), to: FilePath(name))
        } catch .system(_, _, let code) where [EBUSY, EXDEV].contains(code) {
            // A file system of its own, or the lower layer of an overlay.
            return try TreeRemoval.remove(root)
        }
        try home.sync()
        try FailPoint.destroyAfterRename.pass("remove", root)
        try TreeRemoval.remove(host.home.appending(name))
    }
}

extension HostLayout {
    /// Removes what is left of apps whose making or removal was cut short.
    public func sweepApps() throws(StoreError) {
        for name in try home.namesInside(startingWith: ".") where TemporaryName.isLeftover(name) {
            try TreeRemoval.remove(home.appending(name))
        }
    }
}
