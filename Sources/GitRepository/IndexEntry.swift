public import Glibc

/// A file or symlink that was exported.
public struct IndexEntry: Sendable, Equatable {
    /// The path relative to the release, raw bytes.
    public let path: [UInt8]
    /// `0o100644`, `0o100755` or `0o120000`.
    public let mode: Int
    /// Bytes of the file, or of the symlink's target.
    public let size: Int
    /// The blob's id, 40 hexadecimal digits.
    public let blob: String
    /// What stat(2) said of it once it was written.
    public let stamp: FileStamp

    /// An entry.
    public init(path: [UInt8], mode: Int, size: Int, blob: String, stamp: FileStamp) {
        self.path = path
        self.mode = mode
        self.size = size
        self.blob = blob
        self.stamp = stamp
    }
}

/// What changes when anybody writes to a file, replaces it, or changes its mode: the way git tells a changed file
/// (git's `Documentation/technical/racy-git.txt`).
public struct FileStamp: Sendable, Equatable {
    /// The inode.
    public let inode: UInt64
    /// When its content changed, nanoseconds since 1970.
    public let modified: Int
    /// When its content or inode changed, nanoseconds since 1970; no program can set it.
    public let changed: Int

    /// A stamp of its parts.
    public init(inode: UInt64, modified: Int, changed: Int) {
        self.inode = inode
        self.modified = modified
        self.changed = changed
    }

    /// The stamp that stat(2) tells.
    public init(_ status: stat) {
        inode = UInt64(status.st_ino)
        modified = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        changed = status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec
    }
}
