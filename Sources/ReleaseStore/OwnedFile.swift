import Glibc
public import SystemPackage

/// Files that another user has written, read by one who may more: nothing on the way below the root is followed, and
/// what is found must belong to that user.
public enum OwnedFile {
    /// The bytes of a regular file, two steps below a directory at most.
    ///
    /// - Parameter path: relative to the root, such as `shop/site.json`; no part of it may be a link.
    /// - Parameter owner: the user who must own each part and the file.
    /// - Parameter limit: how many bytes it may have at most.
    /// - Throws: `damaged` for a link, another owner, another kind of file, a second name, or a file that is too large.
    public static func read(
        _ path: FilePath, below root: FilePath, owner: UInt32, limit: Int
    ) throws(StoreError) -> [UInt8] {
        let whole = root.pushing(path)
        func refused(_ problem: String) -> StoreError { .damaged(path: whole, problem: problem) }
        do throws(StoreError) {
            var directory = try Directory(opening: root)
            for part in path.removingLastComponent().components {
                directory = try Directory(opening: FilePath(root: nil, [part]), in: directory)
                guard try directory.status().st_uid == owner else { throw refused("is below another user's directory") }
            }
            let above = directory.descriptor
            let name = path.lastComponent?.string ?? ""
            let file = try checked("open", whole) {
                openat(above, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            }
            defer { close(file) }
            var status = stat()
            try checked("look at", whole) { fstat(file, &status) }
            guard status.isFile else { throw refused("is no regular file") }
            guard status.st_uid == owner, status.st_nlink == 1 else { throw refused("belongs to another user") }
            guard status.st_size <= limit else { throw refused("has more than \(limit) bytes") }
            return try DurableFile.readAll(file, of: whole, limit: limit)
        } catch .system(_, _, ELOOP) {
            throw refused("is a link")
        } catch .system(_, _, ENOTDIR) {
            throw refused("is behind a link")
        } catch .system(_, _, EFBIG) {
            throw refused("has more than \(limit) bytes")
        }
    }
}
