import CLibgit2
import Glibc

/// Writes a tree that the policy has passed. One thread, the caller's, walks the tree in its order, makes the directories and
/// cuts what is in them into slices; the others write these. Where they have enough to do, the walk writes a slice
/// itself.
///
/// Open are one directory a level and one a slice that waits; in memory is one blob a thread, and one large one in all.
struct TreeExporter {
    private let writer: SliceWriter
    private let isShared: Bool
    private let hollow: HollowTrees

    /// Writes the tree into the directory, and reports each file and symlink once it is written; without other
    /// readers, in the tree's order.
    ///
    /// - Parameter others: a reader for each other thread.
    static func export(
        _ root: ObjectID, of tree: InspectedTree, _ objects: ObjectReader, others: [ObjectReader],
        into directory: Int32, index: (IndexEntry) throws -> Void
    ) throws(GitError) {
        try withoutActuallyEscaping(index) { (index) throws(GitError) in
            let queue = SliceQueue(capacity: min(others.count * slicesAWorker, mostSlices))
            let receiver = IndexReceiver(index)
            let largeBlobs = Monitor()
            let writers = ([objects] + others).map {
                SliceWriter(objects: $0, index: receiver, queue: queue, largeBlobs: largeBlobs, large: tree.large)
            }
            let threads = writers.dropFirst().compactMap { writer in WorkerThread.start { writer.run() } }
            let exporter = TreeExporter(
                writer: writers[0], isShared: !threads.isEmpty, hollow: HollowTrees(objects, all: tree.hollow))
            do throws(GitError) {
                try exporter.write(root, into: OpenDirectory(root: directory))
            } catch {
                queue.stop(error)
            }
            queue.complete()
            writers[0].run()
            for thread in threads { thread.join() }
            try queue.check()
        }
    }

    /// Writes one entry of the tree, with all below it, into a directory, on this thread.
    ///
    /// - Parameters:
    ///   - prefix: the directory's own path, with a slash at its end unless it is empty.
    ///   - hollow: the trees that are not written.
    static func export(
        _ entry: TreeEntry, at prefix: [UInt8], of tree: InspectedTree, _ hollow: HollowTrees, _ objects: ObjectReader,
        into directory: DirectoryWriter, index: (IndexEntry) throws -> Void
    ) throws(GitError) {
        try withoutActuallyEscaping(index) { (index) throws(GitError) in
            let writer = SliceWriter(
                objects: objects, index: IndexReceiver(index), queue: SliceQueue(capacity: 0), largeBlobs: Monitor(),
                large: tree.large)
            let parent = OpenDirectory(root: directory.descriptor, at: prefix)
            let exporter = TreeExporter(writer: writer, isShared: false, hollow: hollow)
            switch entry.kind {
            case .directory: return try exporter.writeDirectory(entry, into: parent)
            case .submodule: return try exporter.makeEmpty(entry, in: parent)
            default: break
            }
            var slice = ExportSlice(of: parent)
            slice.append(entry)
            try writer.write(slice)
        }
    }

    /// Enough for a worker to find work while the walk writes a slice itself.
    private static let slicesAWorker = 12
    /// Each may hold a directory open.
    private static let mostSlices = 24

    private func write(_ tree: ObjectID, into directory: OpenDirectory) throws(GitError) {
        try writer.objects.withTree(tree) { (cursor) throws(GitError) in
            var slice = ExportSlice(of: directory)
            while let entry = try cursor.next() {
                switch entry.kind {
                case .directory:
                    if try hollow.contains(entry.id) { break }
                    try pass(&slice)
                    try writeDirectory(entry, into: directory)
                case .file, .executable, .link:
                    slice.append(entry)
                    if slice.isFull { try pass(&slice) }
                case .submodule: try makeEmpty(entry, in: directory)
                case .other:
                    let path = directory.path + entry.name
                    throw .refused(TreeRefusal(.mode, path, "is no file, directory or symlink"))
                }
            }
            try pass(&slice)
        }
    }

    /// Gives a slice to the other threads where they have room for it, and begins the next one.
    private func pass(_ slice: inout ExportSlice) throws(GitError) {
        guard !slice.entries.isEmpty else { return }
        let isTaken = isShared ? try writer.queue.offer(slice) : false
        if !isTaken { try writer.write(slice) }
        slice = ExportSlice(of: slice.directory)
    }

    /// The place of a submodule, which the policy has allowed.
    private func makeEmpty(_ entry: TreeEntry, in parent: OpenDirectory) throws(GitError) {
        guard let name = entry.cName else { return }
        let made = try located(parent.path + entry.name) { () throws(DirectoryWriter.Failure) in
            try parent.writer.makeDirectory(name)
        }
        close(made.descriptor)
    }

    private func writeDirectory(_ entry: TreeEntry, into parent: OpenDirectory) throws(GitError) {
        guard let name = entry.cName else { return }
        let path = parent.path + entry.name
        let made = try located(path) { () throws(DirectoryWriter.Failure) in try parent.writer.makeDirectory(name) }
        try write(entry.id, into: OpenDirectory(made, at: path + [UInt8(ascii: "/")]))
    }
}
