public import SystemPackage

/// A file or symlink of a release as it was exported.
public struct IndexedFile: Sendable, Equatable {
    /// The path relative to the release, raw bytes.
    public var path: [UInt8]
    /// `0o100644`, `0o100755` or `0o120000`.
    public var mode: Int
    /// Bytes of the file, or of the symlink's target.
    public var size: Int
    /// The blob's id, 40 hexadecimal digits.
    public var blob: String
    /// The inode that it was written to.
    public var inode: UInt64
    /// When its content changed, nanoseconds since 1970.
    public var modified: Int
    /// When its content or inode changed, nanoseconds since 1970.
    public var changed: Int

    /// An entry.
    public init(path: [UInt8], mode: Int, size: Int, blob: String, inode: UInt64, modified: Int, changed: Int) {
        self.path = path
        self.mode = mode
        self.size = size
        self.blob = blob
        self.inode = inode
        self.modified = modified
        self.changed = changed
    }
}

/// The list of what was exported into a release: a record an entry, `<mode> <size> <blob> <inode> <modified> <changed>
/// <path>` and a NUL; mode in octal, size in bytes, the blob's id in hexadecimal, times in nanoseconds since 1970, the
/// path in the tree's own bytes.
public final class ReleaseIndex {
    private static let bufferSize = 1 << 16

    private let file: FileDescriptor
    private var buffer: [UInt8] = []
    /// The latest time at which an entry changed, nanoseconds since 1970.
    public private(set) var newest = 0

    /// Begins an index; one that is there is an error.
    public init(writingTo path: FilePath) throws {
        file = try .open(
            path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite, .groupRead, .otherRead])
        buffer.reserveCapacity(Self.bufferSize + 8192)
    }

    /// Adds an entry.
    public func append(_ entry: IndexedFile) throws {
        newest = max(newest, entry.changed)
        buffer.append(contentsOf: String(entry.mode, radix: 8).utf8)
        for word in [
            String(entry.size), entry.blob, String(entry.inode), String(entry.modified), String(entry.changed),
        ] {
            buffer.append(UInt8(ascii: " "))
            buffer.append(contentsOf: word.utf8)
        }
        buffer.append(UInt8(ascii: " "))
        buffer.append(contentsOf: entry.path)
        buffer.append(0)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Writes what is left, and closes the file.
    public func close() throws {
        try flush()
        try file.close()
    }

    private func flush() throws {
        try file.writeAll(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Reads an index.
    ///
    /// - Returns: nil where it is not there, is damaged, or is in another form than this one.
    public static func read(_ path: FilePath) -> [IndexedFile]? {
        // 100,000 paths of 4,096 bytes at most.
        guard let bytes = try? DurableFile.read(path, limit: 1 << 29), bytes.last == 0 || bytes.isEmpty else {
            return nil
        }
        var entries: [IndexedFile] = []
        entries.reserveCapacity(bytes.count / 120)
        var position = 0
        while position < bytes.count {
            guard let entry = record(bytes, &position) else { return nil }
            entries.append(entry)
        }
        return entries
    }

    private static func record(_ bytes: [UInt8], _ position: inout Int) -> IndexedFile? {
        guard let mode = number(bytes, &position, radix: 8), let size = number(bytes, &position),
            position + 41 <= bytes.count
        else { return nil }
        let blob = String(decoding: bytes[position..<position + 40], as: UTF8.self)
        position += 41
        guard let inode = number(bytes, &position), let modified = number(bytes, &position),
            let changed = number(bytes, &position), let end = bytes[position...].firstIndex(of: 0), end > position
        else { return nil }
        let path = Array(bytes[position..<end])
        position = end + 1
        return IndexedFile(
            path: path, mode: mode, size: size, blob: blob, inode: UInt64(inode), modified: modified, changed: changed)
    }

    /// The digits up to a space.
    private static func number(_ bytes: [UInt8], _ position: inout Int, radix: Int = 10) -> Int? {
        var value = 0
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: " ") {
            let digit = Int(bytes[position]) - 48
            guard (0..<radix).contains(digit), position - start < 20 else { return nil }
            value = value &* radix &+ digit
            position += 1
        }
        guard position > start, position < bytes.count else { return nil }
        position += 1
        return value
    }
}
