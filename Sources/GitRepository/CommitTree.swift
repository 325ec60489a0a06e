public import ReleaseModel

/// The tree of a commit, for reading a manifest from it. A symlink in it is followed as long as it stays in the tree.
public struct CommitTree: SourceTree {
    /// As much of a file as is read.
    private static let limit = 1 << 20

    let objects: ObjectReader
    let root: ObjectID
    private let names: [[UInt8]]

    init(_ root: ObjectID, _ objects: ObjectReader) throws(GitError) {
        self.root = root
        self.objects = objects
        names = try objects.withTree(root) { (cursor) throws(GitError) in
            var names: [[UInt8]] = []
            while let entry = try cursor.next() { names.append(Array(entry.name)) }
            return names.sorted { $0.lexicographicallyPrecedes($1) }
        }
    }

    /// The tree's id, 40 hexadecimal digits.
    public var id: String { root.text }

    /// How many entries the root has; 0 for an empty tree.
    public var entryCount: Int { names.count }

    /// Whether a file or a directory stands at the path; what cannot be read does not.
    public func exists(_ path: String) -> Bool { find(path) != nil }

    /// The bytes of the file at the path, nil where there is none; at most 1 MiB of them.
    public func contents(_ path: String) -> [UInt8]? {
        guard case .file(let blob) = find(path) else { return nil }
        return try? objects.blob(blob, limit: Self.limit)
    }

    /// The names in the root, sorted by their bytes, decoded as UTF-8.
    public func rootNames() -> [String] { names.map { String(decoding: $0, as: UTF8.self) } }

    /// The names in the directory at the path, decoded as UTF-8.
    public func names(in path: String) -> [String] {
        guard case .directory(let tree) = find(path) else { return [] }
        let found = try? objects.withTree(tree) { (cursor) throws(GitError) in
            var names: [String] = []
            while let entry = try cursor.next() { names.append(String(decoding: entry.name, as: UTF8.self)) }
            return names
        }
        return found ?? []
    }

    private func find(_ path: String) -> TreeLookup.Found? {
        (try? TreeLookup.find(Array(path.utf8), in: root, objects)) ?? nil
    }
}
