import Glibc
public import SystemPackage

/// Files that are there whole or not at all, whatever happens while they are written.
public enum DurableFile {
    /// Writes a file and returns when it is on the disk: a temporary file of that mode in the same directory, fsync,
    /// rename, fsync of the directory. What stood there before stays until the rename.
    ///
    /// - Parameter mode: exactly that mode, whatever the umask.
    public static func write(
        _ bytes: [UInt8], to path: FilePath, mode: CInterop.Mode = 0o644
    ) throws(StoreError) {
        let directory = try Directory(opening: path.directory)
        try directory.write(bytes, to: path.lastComponent?.string ?? "", mode: mode, durable: true)
    }

    /// Puts a symbolic link at the path, in place of an older one in one step, and returns when it is on the disk.
    public static func link(at path: FilePath, to target: String) throws(StoreError) {
        let directory = try Directory(opening: path.directory)
        try directory.replaceLink(path.lastComponent?.string ?? "", to: target)
        try directory.sync()
    }

    /// Removes a file or link; nothing happens where there is none.
    public static func remove(_ path: FilePath) throws(StoreError) {
        do throws(StoreError) {
            let directory = try Directory(opening: path.directory)
            if try directory.removeFile(FilePath(path.lastComponent?.string ?? "")) { try directory.sync() }
        } catch .system(_, _, ENOENT) {}
    }

    /// The bytes of a regular file; nil where there is none. Its last part may not be a link.
    ///
    /// - Parameter limit: how many bytes it may have at most; `EFBIG` when it has more.
    public static func read(_ path: FilePath, limit: Int = 16 << 20) throws(StoreError) -> [UInt8]? {
        let descriptor: Int32
        do throws(StoreError) {
            descriptor = try checked("open", path) {
                path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
            }
        } catch .system(_, _, ENOENT) {
            return nil
        }
        defer { close(descriptor) }
        return try readAll(descriptor, of: path, limit: limit)
    }

    static func readAll(_ descriptor: Int32, of path: FilePath, limit: Int) throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        var status = stat()
        if fstat(descriptor, &status) == 0 { bytes.reserveCapacity(min(max(Int(status.st_size), 0), limit)) }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try checked("read", path) {
                chunk.withUnsafeMutableBytes { Int32(Glibc.read(descriptor, $0.baseAddress, $0.count)) }
            }
            guard count > 0 else { return bytes }
            bytes += chunk[..<Int(count)]
            guard bytes.count <= limit else { throw .system(action: "read", path: path, code: EFBIG) }
        }
    }

    static func writeAll(_ bytes: [UInt8], to descriptor: Int32, of path: FilePath) throws(StoreError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try checked("write", path) {
                rest.withUnsafeBytes { Int32(Glibc.write(descriptor, $0.baseAddress, min($0.count, 1 << 20))) }
            }
            rest = rest.dropFirst(Int(count))
        }
    }
}

extension Directory {
    /// Writes a file in the directory by a temporary one; `durable` waits for the disk before and after the rename.
    func write(_ bytes: [UInt8], to name: String, mode: mode_t, durable: Bool) throws(StoreError) {
        let temporary = TemporaryName.next(for: name)
        do throws(StoreError) {
            try writeNew(bytes, to: temporary, mode: mode, durable: durable)
            try rename(FilePath(temporary), to: FilePath(name))
        } catch {
            _ = unlinkat(descriptor, temporary, 0)
            throw error
        }
        if durable { try sync() }
    }

    private func writeNew(_ bytes: [UInt8], to name: String, mode: mode_t, durable: Bool) throws(StoreError) {
        let path = path(of: FilePath(name))
        let file = try checked("write", path) {
            openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        }
        defer { close(file) }
        try checked("set the mode of", path) { fchmod(file, mode) }
        try DurableFile.writeAll(bytes, to: file, of: path)
        if durable { try checked("sync", path) { fsync(file) } }
    }
}
