/// Some files and symlinks of one directory, in the tree's order: what a worker of the export writes at a time.
struct ExportSlice: Sendable {
    /// A file or symlink; the name stands among the slice's names, a NUL behind it.
    struct Entry: Sendable {
        let id: ObjectID
        let kind: EntryKind
        fileprivate let start: Int32
        fileprivate let length: Int32
    }

    /// How many entries a slice has at most: few enough for all workers to end at about the same time.
    static let limit = 256

    let directory: OpenDirectory
    private(set) var entries: [Entry] = []
    /// One allocation for all names: the tree that they point into is not held until they are written.
    private var names: [UInt8] = []

    init(of directory: OpenDirectory) {
        self.directory = directory
    }

    var isFull: Bool { entries.count >= Self.limit }

    mutating func append(_ entry: TreeEntry) {
        entries.append(
            Entry(id: entry.id, kind: entry.kind, start: Int32(names.count), length: Int32(entry.name.count)))
        names.append(contentsOf: entry.name)
        names.append(0)
    }

    /// Lends an entry's name for a system call.
    func withName<Result>(
        of entry: Entry, _ body: (UnsafePointer<CChar>) throws(GitError) -> Result
    ) throws(GitError) -> Result? {
        try names.withUnsafeBufferPointer { (bytes) throws(GitError) in
            guard let base = bytes.baseAddress else { return nil }
            return try body(UnsafeRawPointer(base + Int(entry.start)).assumingMemoryBound(to: CChar.self))
        }
    }

    /// Where an entry is in the release.
    func path(of entry: Entry) -> [UInt8] {
        directory.path + names[Int(entry.start)..<Int(entry.start + entry.length)]
    }
}
