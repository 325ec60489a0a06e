import Glibc
import SystemPackage

/// Removes a tree: by directory descriptors, no link followed, write-protected directories opened first.
struct TreeRemoval: TreeVisitor {
    /// Removes a file or a tree, and returns when that is on the disk; nothing happens where there is none.
    static func remove(_ path: FilePath) throws(StoreError) {
        guard let name = path.lastName else { return }
        let parent = try Directory(opening: path.directory)
        guard try parent.status(of: name) != nil else { return }
        try remove(name, of: parent)
        try parent.sync()
    }

    /// Removes an entry of a directory, with all below it.
    static func remove(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
        // A second and third time for what a dying process still put in.
        for _ in 1...3 {
            guard let status = try parent.status(of: name) else { return }
            guard status.isDirectory else {
                try parent.removeFile(name)
                return
            }
            var removal = TreeRemoval()
            try TreeWalk.walk(name, of: parent, &removal)
        }
        if try parent.status(of: name) != nil {
            throw .system(action: "remove", path: parent.path(of: name), code: ENOTEMPTY)
        }
    }

    func enter(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) -> Directory? {
        do throws(StoreError) {
            return try opened(name, of: parent)
        } catch .system(_, _, ENOENT) {
            return nil
        } catch .system(_, _, ENOTDIR) {
            // It was a directory a moment ago: a link or a file now.
            try parent.removeFile(name)
            return nil
        }
    }

    private func opened(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) -> Directory {
        guard let directory = try openedIfAllowed(name, of: parent) else {
            let above = parent.descriptor
            try checked("set the mode of", parent.path(of: name)) {
                name.withPlatformString { fchmodat(above, $0, 0o700, AT_SYMLINK_NOFOLLOW) }
            }
            return try Directory(opening: name, in: parent)
        }
        if try directory.status().st_mode & 0o700 != 0o700 {
            try checked("set the mode of", directory.path) { fchmod(directory.descriptor, 0o700) }
        }
        return directory
    }

    private func openedIfAllowed(
        _ name: FilePath, of parent: borrowing Directory
    ) throws(StoreError) -> Directory? {
        do throws(StoreError) {
            return try Directory(opening: name, in: parent)
        } catch .system(_, _, EACCES) {
            return nil
        }
    }

    func visit(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
        try parent.removeFile(name)
    }

    func leave(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
        let above = parent.descriptor
        do throws(StoreError) {
            try checked("remove", parent.path(of: name)) {
                name.withPlatformString { unlinkat(above, $0, AT_REMOVEDIR) }
            }
        } catch .system(_, _, ENOENT) {
        } catch .system(_, _, ENOTEMPTY) {}
    }
}
