import CLinux
import Glibc
import SystemPackage

/// Fills a new file with the content of another: by shared blocks where the file system has them, else by a copy that
/// the kernel makes. Neither ever sees what is later written to the other.
enum FileClone {
    /// How it was done.
    enum Way: Sendable {
        /// The two share blocks until one is written to (`FICLONE`; XFS and btrfs).
        case reflink
        /// The bytes are there twice.
        case copy
    }

    /// What the kernel says where a file system, or this pair of files, has no shared blocks (ioctl_ficlone(2)).
    private static let unable: Set<Int32> = [EOPNOTSUPP, ENOTTY, EXDEV, EINVAL, EPERM, EBADF]

    /// What the kernel says where it cannot copy between two files by itself (copy_file_range(2)).
    private static let refused: Set<Int32> = [EXDEV, ENOSYS, EINVAL, EOPNOTSUPP, EPERM]

    /// Whether files of a directory's file system can share blocks: tried with two files that have no name.
    static func canShare(in directory: FilePath) -> Bool {
        // O_TMPFILE (open(2)) stands behind _GNU_SOURCE.
        let flags = 0o20000000 | O_DIRECTORY | O_RDWR | O_CLOEXEC
        let files = (0..<2).map { _ in directory.withPlatformString { open($0, flags, 0o600) } }
        defer { for file in files where file >= 0 { close(file) } }
        return files.allSatisfy { $0 >= 0 } && clone_file(files[0], files[1]) == 0
    }

    /// Fills a file.
    ///
    /// - Parameters:
    ///   - source: open for reading.
    ///   - target: open for writing, empty.
    ///   - size: how many bytes the source has; what it has grown by since is left out of a copy.
    ///   - path: the target, for errors.
    /// - Throws: `system`, also where the source ends before `size`.
    static func fill(
        _ target: Int32, from source: Int32, size: Int, path: @autoclosure () -> FilePath
    ) throws(StoreError) -> Way {
        if clone_file(target, source) == 0 { return .reflink }
        guard unable.contains(errno) else { throw .system(action: "clone", path: path(), code: errno) }
        try copy(source, to: target, size: size, path: path())
        return .copy
    }

    /// Copies without trying to share blocks.
    ///
    /// - Throws: `system`, also where the source ends before `size`.
    static func copy(
        _ source: Int32, to target: Int32, size: Int, path: @autoclosure () -> FilePath
    ) throws(StoreError) {
        var rest = size
        while rest > 0 {
            let copied = copy_file_range(source, nil, target, nil, rest, 0)
            if copied < 0, errno == EINTR { continue }
            if copied < 0, rest == size, refused.contains(errno) {
                return try stream(source, to: target, size: size, path: path())
            }
            guard copied > 0 else { throw .system(action: "copy", path: path(), code: copied < 0 ? errno : EIO) }
            rest -= copied
        }
    }

    private static func stream(
        _ source: Int32, to target: Int32, size: Int, path: @autoclosure () -> FilePath
    ) throws(StoreError) {
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        var rest = size
        while rest > 0 {
            let count = try checked("read", path()) {
                chunk.withUnsafeMutableBytes { Int32(read(source, $0.baseAddress, min($0.count, rest))) }
            }
            guard count > 0 else { throw .system(action: "copy", path: path(), code: EIO) }
            try DurableFile.writeAll(Array(chunk[..<Int(count)]), to: target, of: path())
            rest -= Int(count)
        }
    }
}
