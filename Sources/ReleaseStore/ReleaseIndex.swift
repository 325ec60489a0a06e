import Glibc
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

/// Writes the list of what was exported into a release; `IndexTable` reads it. All of a directory stands together, so
/// that it is compact: some 45 bytes a file, kept in memory until the end.
///
/// The line `pmo-index 2`; how many bytes the file has, how many directories and how many entries (8 bytes each, the
/// lowest first); for each directory its path, a NUL, and a number of entries (LEB128); for each entry its mode (0 a
/// file, 1 an executable, 2 a symlink; 1 byte), its size (LEB128), its blob (20 bytes), its inode (LEB128), when it
/// changed and when its content did (8 bytes each, nanoseconds since 1970), its name, and a NUL.
public final class ReleaseIndex {
    static let magic = Array("pmo-index 2\n".utf8)

    private struct Section {
        let path: [UInt8]
        var count = 0
        var body: [UInt8] = []
    }

    private let path: FilePath
    private let file: FileDescriptor
    private var sections: [Section] = []
    private var numbers: [[UInt8]: Int] = [:]
    private var latest = -1
    /// The latest time at which an entry changed, nanoseconds since 1970.
    public private(set) var newest = 0

    /// Begins an index; one that is there is an error.
    public init(writingTo path: FilePath) throws {
        self.path = path
        file = try .open(
            path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite, .groupRead, .otherRead])
    }

    /// Adds an entry.
    public func append(_ entry: IndexedFile) throws {
        newest = max(newest, entry.changed)
        let name = entry.path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let number = section(of: entry.path[..<max(0, name - 1)])
        guard let mode = IndexTable.Mode(entry.mode) else { throw Errno.invalidArgument }
        var blob = [UInt8]()
        var digits = entry.blob.utf8.makeIterator()
        while let high = digits.next()?.hexadecimal, let low = digits.next()?.hexadecimal {
            blob.append(high << 4 | low)
        }
        guard blob.count == 20 else { throw Errno.invalidArgument }
        sections[number].body.append(mode.rawValue)
        sections[number].body.append(leb128: UInt64(entry.size))
        sections[number].body += blob
        sections[number].body.append(leb128: entry.inode)
        sections[number].body.append(fixed: entry.changed)
        sections[number].body.append(fixed: entry.modified)
        sections[number].body += entry.path[name...]
        sections[number].body.append(0)
        sections[number].count += 1
    }

    /// Adds what another index has, but for some paths.
    public func append(contentsOf table: IndexTable, except: Set<[UInt8]> = []) {
        var names: [[UInt8]: Set<[UInt8]>] = [:]
        for path in except {
            let slash = path.lastIndex(of: UInt8(ascii: "/"))
            let directory = slash.map { Array(path[..<$0]) } ?? []
            names[directory, default: []].insert(Array(path[(slash.map { $0 + 1 } ?? 0)...]))
        }
        for directory in table.directories {
            let number = section(of: directory.path[...])
            let without = names[directory.path]
            for entry in table.entries[directory.entries] {
                if let without, without.contains(Array(table.name(of: entry))) { continue }
                newest = max(newest, entry.changed)
                table.encode(entry, to: &sections[number].body)
                sections[number].count += 1
            }
        }
    }

    /// Writes the file, and closes it.
    ///
    /// - Parameter syncing: whether to wait for the disk; not needed in a partial, which is synced as a whole.
    public func close(syncing: Bool = false) throws {
        var bytes = Self.magic
        bytes.reserveCapacity(sections.reduce(64) { $0 + $1.body.count + $1.path.count + 8 })
        let used = sections.filter { $0.count > 0 }
        bytes.append(fixed: 0)
        bytes.append(fixed: used.count)
        bytes.append(fixed: used.reduce(0) { $0 + $1.count })
        for section in used {
            bytes += section.path
            bytes.append(0)
            bytes.append(leb128: UInt64(section.count))
            bytes += section.body
        }
        var size: [UInt8] = []
        size.append(fixed: bytes.count)
        bytes.replaceSubrange(Self.magic.count..<Self.magic.count + 8, with: size)
        try file.writeAll(bytes)
        if syncing { try checked("sync", path) { fsync(file.rawValue) } }
        try file.close()
    }

    /// Reads an index.
    ///
    /// - Returns: nil where it is not there, is damaged, or is in another form than this one.
    public static func read(_ path: FilePath) -> [IndexedFile]? {
        IndexTable(reading: path).map { Array($0.files) }
    }

    private func section(of directory: ArraySlice<UInt8>) -> Int {
        if latest >= 0, sections[latest].path.elementsEqual(directory) { return latest }
        let path = Array(directory)
        latest = numbers[path] ?? sections.count
        if latest == sections.count {
            numbers[path] = latest
            sections.append(Section(path: path))
        }
        return latest
    }
}

extension UInt8 {
    fileprivate var hexadecimal: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension [UInt8] {
    mutating func append(leb128 number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func append(fixed number: Int) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
