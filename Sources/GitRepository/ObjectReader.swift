import CLibgit2

/// Reads raw objects of a repository; those of a quarantine too, where the repository was opened from the environment.
/// From packs they come by a reader of our own, all others by libgit2, which also says what is wrong with one. For one thread.
final class ObjectReader {
    /// From how many bytes on a blob is passed on in pieces.
    static let held = PackReader.largest

    /// The packs, to be shared with other readers of the same objects.
    let packs: PackSet
    private let database: OpaquePointer
    private let bases: Int
    private lazy var packed = PackReader(packs.files, bases: bases)

    /// - Parameter bases: how many bytes of objects that deltas were applied to are kept.
    init(repository: OpaquePointer, packs: PackSet, bases: Int) throws(GitError) {
        var handle: OpaquePointer?
        try check(git_repository_odb(&handle, repository), "git_repository_odb")
        guard let handle else { throw .library(code: -1, function: "git_repository_odb", message: "no database") }
        database = handle
        self.packs = packs
        self.bases = bases
    }

    /// Reads the objects of a directory `objects` and of its alternates, with a handle that shares nothing but the packs.
    init(objects directory: String, packs: PackSet, bases: Int) throws(GitError) {
        var handle: OpaquePointer?
        try check(git_odb_open(&handle, directory), "git_odb_open")
        guard let handle else { throw .library(code: -1, function: "git_odb_open", message: "no database") }
        database = handle
        self.packs = packs
        self.bases = bases
    }

    deinit { git_odb_free(database) }

    /// The kind and size of an object, without reading it.
    func header(_ id: ObjectID) throws(GitError) -> (kind: git_object_t, size: Int) {
        if let header = packed?.header(id) { return header }
        var raw = id.raw
        var size = 0
        var kind = GIT_OBJECT_INVALID
        try checkFound(git_odb_read_header(&size, &kind, database, &raw), "git_odb_read_header", id)
        return (kind, size)
    }

    /// Lends an object's bytes for the time of the call.
    ///
    /// - Throws: `refused` where the object is of another kind, `library` where it is missing or damaged, or what the body throws.
    func withObject<Result>(
        _ id: ObjectID, _ kind: git_object_t, _ body: (UnsafeRawBufferPointer) throws(GitError) -> Result
    ) throws(GitError) -> Result {
        if let result = try packed?.withObject(id, kind, body) { return result }
        var raw = id.raw
        var object: OpaquePointer?
        try checkFound(git_odb_read(&object, database, &raw), "git_odb_read", id)
        defer { git_odb_object_free(object) }
        try expect(kind, git_odb_object_type(object), id)
        return try body(UnsafeRawBufferPointer(start: git_odb_object_data(object), count: git_odb_object_size(object)))
    }

    /// Passes a blob on a piece at a time.
    ///
    /// - Parameter directory: where room is for what it is a delta of.
    /// - Returns: whether that was all of it. Where not, the pieces say nothing, and it must be read as a whole.
    func streamBlob(
        _ id: ObjectID, by directory: Int32, to receive: (UnsafeRawBufferPointer) throws(GitError) -> Void
    ) throws(GitError) -> Bool {
        if let object = packed?.large(id, GIT_OBJECT_BLOB) { return try object.stream(by: directory, to: receive) }
        return try streamLoose(id, to: receive)
    }

    private func streamLoose(
        _ id: ObjectID, to receive: (UnsafeRawBufferPointer) throws(GitError) -> Void
    ) throws(GitError) -> Bool {
        var raw = id.raw
        var opened: UnsafeMutablePointer<git_odb_stream>?
        var size = 0
        var kind = GIT_OBJECT_INVALID
        // Packs have no streams in libgit2.
        guard git_odb_open_rstream(&opened, &size, &kind, database, &raw) == 0 else { return false }
        defer { git_odb_stream_free(opened) }
        try expect(GIT_OBJECT_BLOB, kind, id)
        let piece = ByteBuffer(count: 256 << 10)
        var total = 0
        while total < size {
            let start = piece.mutable.assumingMemoryBound(to: CChar.self).baseAddress
            let count = Int(git_odb_stream_read(opened, start, piece.count))
            guard count > 0, total + count <= size else { return false }
            try receive(UnsafeRawBufferPointer(rebasing: piece.bytes[..<count]))
            total += count
        }
        return true
    }

    /// The size of a blob.
    func blobSize(_ id: ObjectID) throws(GitError) -> Int {
        let (kind, size) = try header(id)
        try expect(GIT_OBJECT_BLOB, kind, id)
        return size
    }

    /// The first bytes of a blob, `limit` at most.
    func blob(_ id: ObjectID, limit: Int) throws(GitError) -> [UInt8] {
        try withObject(id, GIT_OBJECT_BLOB) { Array($0.prefix(limit)) }
    }

    /// Lends a tree's entries, in the order in which they are stored.
    func withTree<Result>(
        _ id: ObjectID, _ body: (inout TreeCursor) throws(GitError) -> Result
    ) throws(GitError) -> Result {
        try withObject(id, GIT_OBJECT_TREE) { (bytes) throws(GitError) in
            var cursor = TreeCursor(bytes, of: id)
            return try body(&cursor)
        }
    }

    /// The ids of all commits that begin like the prefix.
    func commits(_ prefix: ObjectPrefix) throws(GitError) -> Set<ObjectID> {
        var raw = prefix.id.raw
        var full = git_oid()
        let code = git_odb_exists_prefix(&full, database, &raw, prefix.digits)
        if code == GIT_ENOTFOUND.rawValue { return [] }
        guard code == GIT_EAMBIGUOUS.rawValue else {
            try check(code, "git_odb_exists_prefix")
            return try commits(among: [ObjectID(full)])
        }
        return try commits(among: objects(prefix))
    }

    private func commits(among ids: Set<ObjectID>) throws(GitError) -> Set<ObjectID> {
        var commits: Set<ObjectID> = []
        for id in ids where try header(id).kind == GIT_OBJECT_COMMIT {
            commits.insert(id)
        }
        return commits
    }

    /// Looks at every object: only where a prefix fits several, of which one may be a commit.
    private func objects(_ prefix: ObjectPrefix) throws(GitError) -> Set<ObjectID> {
        var search = PrefixSearch(prefix: prefix)
        let code = withUnsafeMutablePointer(to: &search) { search in
            git_odb_foreach(
                database,
                { id, payload in
                    guard let id, let search = payload?.assumingMemoryBound(to: PrefixSearch.self) else { return -1 }
                    search.pointee.see(id)
                    return 0
                }, search)
        }
        try check(code, "git_odb_foreach")
        return search.found
    }

    private func checkFound(_ code: Int32, _ function: String, _ id: ObjectID) throws(GitError) {
        guard code != GIT_ENOTFOUND.rawValue else {
            throw .refused(TreeRefusal(.corrupt, [], "holds object \(id.text), which is missing"))
        }
        try check(code, function)
    }

    private func expect(_ kind: git_object_t, _ found: git_object_t, _ id: ObjectID) throws(GitError) {
        guard kind != found else { return }
        let problem = "holds object \(id.text), which is a \(found.name), not a \(kind.name)"
        throw .refused(TreeRefusal(.corrupt, [], problem))
    }
}

/// The first digits of an id.
struct ObjectPrefix {
    /// The id, with zeros behind the digits.
    let id: ObjectID
    /// How many digits count.
    let digits: Int

    /// - Parameter text: 1 to 40 hexadecimal digits.
    init(_ text: String) throws(GitError) {
        var raw = git_oid()
        try check(git_oid_fromstrp(&raw, text), "git_oid_fromstrp")
        id = ObjectID(raw)
        digits = text.utf8.count
    }
}

private struct PrefixSearch {
    let prefix: ObjectPrefix
    var found: Set<ObjectID> = []

    mutating func see(_ id: UnsafePointer<git_oid>) {
        var wanted = prefix.id.raw
        if git_oid_ncmp(id, &wanted, prefix.digits) == 0 { found.insert(ObjectID(id.pointee)) }
    }
}

extension git_object_t {
    /// `commit`, `tree`, `blob` or `tag`.
    var name: String { String(cString: git_object_type2string(self)) }
}
