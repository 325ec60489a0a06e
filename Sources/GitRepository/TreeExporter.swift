import CLibgit2
import Glibc

/// Writes a tree that the policy has passed: raw blobs, no attributes, no filters, no conversion.
///
/// At most one descriptor a level is open, and one blob in memory.
struct TreeExporter {
    private let objects: ObjectReader
    private let index: (IndexEntry) throws -> Void
    private let hollow: Set<ObjectID>
    private var path: [UInt8] = []

    private init(
        _ objects: ObjectReader, hollow: Set<ObjectID>, _ index: @escaping (IndexEntry) throws -> Void
    ) {
        self.objects = objects
        self.hollow = hollow
        self.index = index
    }

    /// Writes the tree into the directory, and reports each file and symlink once it is written.
    static func export(
        _ root: ObjectID, _ objects: ObjectReader, hollow: Set<ObjectID>, into directory: Int32,
        index: (IndexEntry) throws -> Void
    ) throws(GitError) {
        try withoutActuallyEscaping(index) { (index) throws(GitError) in
            var exporter = TreeExporter(objects, hollow: hollow, index)
            try exporter.write(root, into: DirectoryWriter(descriptor: directory))
        }
    }

    /// Writes one entry of a tree, with all below it, into the directory.
    ///
    /// - Parameter prefix: the directory's own path, with a slash at its end unless it is empty.
    static func export(
        _ entry: TreeEntry, at prefix: [UInt8], _ objects: ObjectReader, hollow: Set<ObjectID>,
        into directory: DirectoryWriter, index: (IndexEntry) throws -> Void
    ) throws(GitError) {
        try withoutActuallyEscaping(index) { (index) throws(GitError) in
            var exporter = TreeExporter(objects, hollow: hollow, index)
            exporter.path = prefix
            try exporter.write(entry, into: directory)
        }
    }

    private mutating func write(_ tree: ObjectID, into directory: DirectoryWriter) throws(GitError) {
        try objects.withTree(tree) { (cursor) throws(GitError) in
            while let entry = try cursor.next() {
                try write(entry, into: directory)
            }
        }
    }

    private mutating func write(_ entry: TreeEntry, into directory: DirectoryWriter) throws(GitError) {
        let end = path.count
        path.append(contentsOf: entry.name)
        defer { path.removeLast(path.count - end) }
        guard let name = entry.cName else { return }
        switch entry.kind {
        case .directory where hollow.contains(entry.id): break
        case .directory: try writeDirectory(entry.id, name, into: directory)
        case .file: try writeFile(entry.id, name, mode: 0o644, into: directory)
        case .executable: try writeFile(entry.id, name, mode: 0o755, into: directory)
        case .link: try writeLink(entry.id, name, into: directory)
        case .submodule, .other: throw .refused(TreeRefusal(.mode, path, "is no file, directory or symlink"))
        }
    }

    private mutating func writeDirectory(
        _ tree: ObjectID, _ name: UnsafePointer<CChar>, into parent: DirectoryWriter
    ) throws(GitError) {
        let directory = try wrap { () throws(DirectoryWriter.Failure) in try parent.makeDirectory(name) }
        defer { close(directory.descriptor) }
        path.append(UInt8(ascii: "/"))
        try write(tree, into: directory)
    }

    private func writeFile(
        _ blob: ObjectID, _ name: UnsafePointer<CChar>, mode: mode_t, into directory: DirectoryWriter
    ) throws(GitError) {
        let (size, stamp) = try objects.withObject(blob, GIT_OBJECT_BLOB) { (bytes) throws(GitError) in
            let stamp = try wrap { () throws(DirectoryWriter.Failure) in try directory.file(name, bytes, mode: mode) }
            return (bytes.count, stamp)
        }
        try report(IndexEntry(path: path, mode: 0o100000 | Int(mode), size: size, blob: blob.text, stamp: stamp))
    }

    private func writeLink(
        _ blob: ObjectID, _ name: UnsafePointer<CChar>, into directory: DirectoryWriter
    ) throws(GitError) {
        let target = try objects.blob(blob, limit: LinkRules.longest)
        let stamp = try wrap { () throws(DirectoryWriter.Failure) in try directory.link(name, to: target) }
        try report(IndexEntry(path: path, mode: 0o120000, size: target.count, blob: blob.text, stamp: stamp))
    }

    private func report(_ entry: IndexEntry) throws(GitError) {
        do {
            try index(entry)
        } catch {
            throw .index(error)
        }
    }

    private func wrap<Result>(_ body: () throws(DirectoryWriter.Failure) -> Result) throws(GitError) -> Result {
        do {
            return try body()
        } catch {
            throw .system(errno: error.errno, call: error.call, path: path)
        }
    }
}
