import CLinux
import Glibc
import SystemPackage

/// Subvolumes of btrfs: directories that can be brought to another place whole, in one step, with their blocks shared
/// until they are written to. Whoever owns one may do that, and removes it as any directory (since Linux 4.18).
enum Subvolume {
    /// What the kernel says where the file system, the source or the user is not for it.
    private static let unable: Set<Int32> = [ENOTTY, EOPNOTSUPP, EINVAL, EPERM, EXDEV, ENOSPC, EDQUOT]

    /// Makes an empty one with mode 0755.
    ///
    /// - Returns: whether it could; nothing was made where not.
    /// - Throws: `system`, also where there is something of that name.
    static func make(_ path: FilePath) throws(StoreError) -> Bool { try make(path, of: -1) }

    /// Makes one with all that another holds, whose files keep their inode numbers and times.
    ///
    /// - Returns: whether it could; nothing was made where not, as where the source is a directory like any other.
    /// - Throws: `system`, also where there is something of that name.
    static func snapshot(of source: borrowing Directory, at path: FilePath) throws(StoreError) -> Bool {
        try make(path, of: source.descriptor)
    }

    private static func make(_ path: FilePath, of source: Int32) throws(StoreError) -> Bool {
        guard let name = path.lastName else { return false }
        let parent = try Directory(opening: path.directory)
        let above = parent.descriptor
        do throws(StoreError) {
            try checked("make", path) { name.withPlatformString { make_subvolume(above, $0, source) } }
        } catch .system(_, _, let code) where unable.contains(code) {
            return false
        }
        let made = try Directory(opening: name, in: parent)
        try checked("set the mode of", path) { fchmod(made.descriptor, 0o755) }
        return true
    }
}
