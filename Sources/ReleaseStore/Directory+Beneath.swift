import CLinux
import Glibc
import SystemPackage

extension Directory {
    /// Opens a directory any number of names below another; a link on the way is an error (`ELOOP` or `ENOTDIR`), and
    /// so is `..`.
    ///
    /// - Parameter below: its path from there, raw bytes; empty for the directory itself.
    init(opening below: [UInt8], beneath root: borrowing Directory) throws(StoreError) {
        let above = root.descriptor
        let path = below.isEmpty ? root.path : root.path(of: FilePath(String(decoding: below, as: UTF8.self)))
        let text = (below.isEmpty ? [UInt8(ascii: ".")] : below).map { CChar(bitPattern: $0) } + [0]
        let descriptor = try checked("open", path) {
            let opened = open_beneath(above, text, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            // A kernel before 5.6, or a sandbox that does not know the call.
            guard opened < 0, errno == ENOSYS || errno == EPERM else { return opened }
            return Self.descend(below, from: above)
        }
        self.init(descriptor: descriptor, path: path)
    }

    /// The same; nil where there is no such directory, or where a link or a file stands in its place or on the way.
    init?(ifThere below: [UInt8], beneath root: borrowing Directory) throws(StoreError) {
        do throws(StoreError) {
            self = try Directory(opening: below, beneath: root)
        } catch .system(_, _, ENOENT), .system(_, _, ENOTDIR), .system(_, _, ELOOP) {
            return nil
        }
    }

    private static func descend(_ path: [UInt8], from root: Int32) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var here = openat(root, ".", flags)
        for part in path.split(separator: UInt8(ascii: "/")) where here >= 0 {
            let above = here
            if part.elementsEqual("..".utf8) {
                here = -1
                errno = EXDEV
            } else {
                here = openat(above, part.map { CChar(bitPattern: $0) } + [0], flags)
            }
            let code = errno
            close(above)
            errno = code
        }
        return here
    }
}
