import Glibc
import SystemPackage

/// An open directory: what is done below it goes by its descriptor, whatever happens to its name meanwhile.
/// Closed at the end of its life.
struct Directory: ~Copyable {
    /// Opened with `O_DIRECTORY | O_CLOEXEC`.
    let descriptor: Int32
    /// How it was reached, for errors.
    let path: FilePath

    private static let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC

    /// Opens a directory by its path; links on the way are followed, and its last part too unless told otherwise.
    init(opening path: FilePath, following: Bool = true) throws(StoreError) {
        descriptor = try checked("open", path) {
            path.withPlatformString { open($0, Self.flags | (following ? 0 : O_NOFOLLOW)) }
        }
        self.path = path
    }

    /// Opens a directory right below another; a link is an error (`ENOTDIR` or `ELOOP`).
    init(opening name: FilePath, in parent: borrowing Directory) throws(StoreError) {
        let path = parent.path(of: name)
        let above = parent.descriptor
        descriptor = try checked("open", path) {
            name.withPlatformString { openat(above, $0, Self.flags | O_NOFOLLOW) }
        }
        self.path = path
    }

    /// Takes over an open descriptor of a directory.
    init(descriptor: Int32, path: FilePath) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Opens the directory that one is in, which is known to errors by the path.
    init(above below: borrowing Directory, path: FilePath) throws(StoreError) {
        let from = below.descriptor
        descriptor = try checked("open", path) { openat(from, "..", Self.flags | O_NOFOLLOW) }
        self.path = path
    }

    /// The path of an entry, for errors; one deeper than a reader can make use of is not told to its end.
    func path(of name: FilePath) -> FilePath { path.length > 1000 ? path : path.pushing(name) }

    /// Which directory it is, and how it may be used.
    func status() throws(StoreError) -> stat {
        var status = stat()
        try checked("look at", path) { fstat(descriptor, &status) }
        return status
    }

    /// What an entry is, a link not followed; nil where there is none.
    func status(of name: FilePath) throws(StoreError) -> stat? {
        var status = stat()
        do throws(StoreError) {
            try checked("look at", path(of: name)) {
                name.withPlatformString { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }
            }
            return status
        } catch .system(_, _, ENOENT) {
            return nil
        }
    }

    /// Whether an entry is a file, a link in its own place not followed; not where that cannot be told.
    func hasFile(_ name: FilePath) -> Bool {
        var status = stat()
        let answer = name.withPlatformString { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }
        return answer == 0 && status.isFile
    }

    /// Makes what was renamed, linked and unlinked here durable.
    func sync() throws(StoreError) {
        try checked("sync", path) { fsync(descriptor) }
    }
}

extension stat {
    var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
    var isFile: Bool { st_mode & S_IFMT == S_IFREG }
    var isLink: Bool { st_mode & S_IFMT == S_IFLNK }
    var identity: FileIdentity { FileIdentity(device: UInt64(st_dev), inode: UInt64(st_ino)) }
}

/// Which file it is, whatever its name.
struct FileIdentity: Hashable {
    let device: UInt64
    let inode: UInt64
}

extension FilePath {
    /// The last part as a path of its own, byte for byte; nil for the root.
    var lastName: FilePath? { lastComponent.map { FilePath(root: nil, [$0]) } }
}
