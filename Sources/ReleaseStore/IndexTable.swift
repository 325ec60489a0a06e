import Glibc
public import SystemPackage

/// An index of a release, read in one pass: the file's own bytes, an array of entries over them, and the directories
/// that these are in.
public struct IndexTable: Sendable {
    /// What an entry is.
    enum Mode: UInt8 {
        case file = 0
        case executable, link

        init?(_ mode: Int) {
            switch mode {
            case 0o100644: self = .file
            case 0o100755: self = .executable
            case 0o120000: self = .link
            default: return nil
            }
        }

        /// As a tree has it.
        var number: Int {
            switch self {
            case .file: 0o100644
            case .executable: 0o100755
            case .link: 0o120000
            }
        }
    }

    struct Entry {
        /// Where the blob's 20 bytes stand.
        let blob: UInt32
        /// Where the name stands, with a NUL behind it.
        let name: UInt32
        let length: UInt16
        let mode: Mode
        let size: Int
        var inode: UInt64
        var modified: Int
        var changed: Int
    }

    /// A directory with files of its own.
    struct Directory {
        let path: [UInt8]
        let entries: Range<Int>
    }

    private let bytes: [UInt8]
    var entries: [Entry]
    let directories: [Directory]

    /// How many files and symlinks it lists.
    public var count: Int { entries.count }

    /// The entries, a directory after the other.
    public var files: some Sequence<IndexedFile> {
        directories.lazy.flatMap { directory in directory.entries.lazy.map { file($0, in: directory) } }
    }

    /// Reads an index.
    ///
    /// - Returns: nil where it is not there, is damaged, or is in another form than `ReleaseIndex` writes.
    public init?(reading path: FilePath) {
        // 500,000 entries with names of 255 bytes, in directories of 4,096.
        guard let bytes = try? DurableFile.read(path, limit: 1 << 29) else { return nil }
        guard let parsed = bytes.withUnsafeBytes(Parser.parse) else { return nil }
        self.bytes = bytes
        (entries, directories) = parsed
    }

    /// Lends a name for system calls.
    func withName<Result, Failure: Error>(
        of entry: Entry, _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let outcome = bytes.withUnsafeBytes { bytes in
            Swift.Result<Result, Failure> { () throws(Failure) in
                guard let first = bytes.baseAddress else { preconditionFailure("an index with entries has bytes") }
                // The parser has found a NUL behind it.
                return try body(first.advanced(by: Int(entry.name)).assumingMemoryBound(to: CChar.self))
            }
        }
        return try outcome.get()
    }

    func name(of entry: Entry) -> ArraySlice<UInt8> { bytes[Int(entry.name)..<Int(entry.name) + Int(entry.length)] }

    func path(of entry: Entry, in directory: [UInt8]) -> [UInt8] {
        directory.isEmpty ? Array(name(of: entry)) : directory + [UInt8(ascii: "/")] + name(of: entry)
    }

    func encode(_ entry: Entry, to body: inout [UInt8]) {
        body.append(entry.mode.rawValue)
        body.append(leb128: UInt64(entry.size))
        body += bytes[Int(entry.blob)..<Int(entry.blob) + 20]
        body.append(leb128: entry.inode)
        body.append(fixed: entry.changed)
        body.append(fixed: entry.modified)
        body += bytes[Int(entry.name)...Int(entry.name) + Int(entry.length)]
    }

    private func file(_ number: Int, in directory: Directory) -> IndexedFile {
        let entry = entries[number]
        let blob = bytes[Int(entry.blob)..<Int(entry.blob) + 20].reduce(into: "") { text, byte in
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return IndexedFile(
            path: path(of: entry, in: directory.path), mode: entry.mode.number, size: entry.size, blob: blob,
            inode: entry.inode, modified: entry.modified, changed: entry.changed)
    }
}

extension IndexTable.Entry {
    /// Whether nobody has written to the file, replaced it or changed its mode since it was exported. A second name for
    /// it is a way to write to it later, so there must be none.
    func matches(_ status: stat) -> Bool {
        UInt64(status.st_ino) == inode && Int(status.st_size) == size && status.st_nlink == 1
            && Int(status.st_mode) == (mode == .link ? 0o120777 : mode.number)
            && status.st_mtim.nanoseconds == modified && status.st_ctim.nanoseconds == changed
    }

    /// The same of another file.
    mutating func stamp(_ status: stat) {
        inode = UInt64(status.st_ino)
        modified = status.st_mtim.nanoseconds
        changed = status.st_ctim.nanoseconds
    }
}

extension timespec {
    fileprivate var nanoseconds: Int { tv_sec * 1_000_000_000 + tv_nsec }
}

/// Reads the form that `ReleaseIndex` describes. A build may have written it, so that nothing in it is believed.
private struct Parser {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    static func parse(
        _ bytes: UnsafeRawBufferPointer
    ) -> (entries: [IndexTable.Entry], directories: [IndexTable.Directory])? {
        var parser = Parser(bytes: bytes)
        return parser.table()
    }

    private mutating func table() -> (entries: [IndexTable.Entry], directories: [IndexTable.Directory])? {
        guard bytes.count <= UInt32.max, bytes.starts(with: ReleaseIndex.magic) else { return nil }
        position = ReleaseIndex.magic.count
        // The least that a directory and an entry take bounds what is reserved.
        guard fixed() == bytes.count, let directoryCount = fixed(), (0...bytes.count / 4).contains(directoryCount),
            let entryCount = fixed(), (0...bytes.count / 40).contains(entryCount)
        else { return nil }
        var entries: [IndexTable.Entry] = []
        entries.reserveCapacity(entryCount)
        var directories: [IndexTable.Directory] = []
        directories.reserveCapacity(directoryCount)
        var paths: Set<[UInt8]> = []
        while position < bytes.count {
            guard let path = text(), Self.isPath(path), let count = leb128(), count > 0,
                count <= UInt64(entryCount - entries.count)
            else { return nil }
            let first = entries.count
            for _ in 0..<count {
                guard let entry = entry() else { return nil }
                entries.append(entry)
            }
            guard paths.insert(Array(path)).inserted else { return nil }
            directories.append(IndexTable.Directory(path: Array(path), entries: first..<entries.count))
        }
        return entries.count == entryCount && directories.count == directoryCount ? (entries, directories) : nil
    }

    private mutating func entry() -> IndexTable.Entry? {
        guard position < bytes.count, let mode = IndexTable.Mode(rawValue: bytes[position]) else { return nil }
        position += 1
        guard let size = leb128(), size <= Int.max, position + 20 < bytes.count else { return nil }
        let blob = position
        position += 20
        guard let inode = leb128(), let changed = fixed(), let modified = fixed() else { return nil }
        let start = position
        guard let name = text(), name.count <= 255, Self.isName(name) else { return nil }
        return IndexTable.Entry(
            blob: UInt32(blob), name: UInt32(start), length: UInt16(name.count), mode: mode, size: Int(size),
            inode: inode, modified: modified, changed: changed)
    }

    /// What stands before the next NUL.
    private mutating func text() -> UnsafeRawBufferPointer? {
        guard position < bytes.count, let start = bytes.baseAddress?.advanced(by: position),
            let end = memchr(start, 0, bytes.count - position)
        else { return nil }
        let count = start.distance(to: UnsafeRawPointer(end))
        position += count + 1
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    private mutating func fixed() -> Int? {
        guard position + 8 <= bytes.count else { return nil }
        defer { position += 8 }
        return Int(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int.self))
    }

    private mutating func leb128() -> UInt64? {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position += 1
            number |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return number }
        }
        return nil
    }

    private static func isName(_ name: some Collection<UInt8>) -> Bool {
        guard !name.isEmpty, !name.contains(UInt8(ascii: "/")) else { return false }
        return !name.elementsEqual(".".utf8) && !name.elementsEqual("..".utf8)
    }

    private static func isPath(_ path: UnsafeRawBufferPointer) -> Bool {
        path.isEmpty || path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy(isName)
    }
}
