import CLibgit2
import Glibc

/// Writes slices: raw blobs, no attributes, no filters, no conversion. Each thread has one of its own, since a reader
/// is for one thread.
struct SliceWriter {
    let objects: ObjectReader
    let index: IndexReceiver
    let queue: SliceQueue
    /// What a thread holds while it has a large blob in memory, so that one of these is there at a time.
    let largeBlobs: Monitor
    /// The blobs that this is for.
    let large: Set<ObjectID>

    /// Writes what comes from the queue, to its end; a failure stops every other writer.
    func run() {
        while let slice = queue.take() {
            do throws(GitError) {
                try write(slice)
            } catch {
                queue.stop(error)
            }
        }
    }

    func write(_ slice: ExportSlice) throws(GitError) {
        for entry in slice.entries {
            try queue.check()
            _ = try slice.withName(of: entry) { (name) throws(GitError) in
                try write(entry, name, at: slice.path(of: entry), into: slice.directory.writer)
            }
        }
    }

    private func write(
        _ entry: ExportSlice.Entry, _ name: UnsafePointer<CChar>, at path: [UInt8], into directory: DirectoryWriter
    ) throws(GitError) {
        switch entry.kind {
        case .link: try writeLink(entry.id, name, at: path, into: directory)
        case _ where large.contains(entry.id):
            let size = try located(path) { () throws(GitError) in try objects.blobSize(entry.id) }
            guard size < ObjectReader.held else { return try streamFile(entry, name, at: path, into: directory) }
            try largeBlobs.locked { () throws(GitError) in try writeFile(entry, name, at: path, into: directory) }
        default: try writeFile(entry, name, at: path, into: directory)
        }
    }

    private func writeFile(
        _ entry: ExportSlice.Entry, _ name: UnsafePointer<CChar>, at path: [UInt8], into directory: DirectoryWriter
    ) throws(GitError) {
        let mode: mode_t = entry.kind == .executable ? 0o755 : 0o644
        let (size, stamp) = try located(path) { () throws(GitError) in
            try objects.withObject(entry.id, GIT_OBJECT_BLOB) { (bytes) throws(GitError) in
                let stamp = try located(path) { () throws(DirectoryWriter.Failure) in
                    try directory.file(name, bytes, mode: mode)
                }
                return (bytes.count, stamp)
            }
        }
        let blob = entry.id.text
        try index.report(IndexEntry(path: path, mode: 0o100000 | Int(mode), size: size, blob: blob, stamp: stamp))
    }

    /// Writes a blob that is too large to be held, a piece at a time.
    private func streamFile(
        _ entry: ExportSlice.Entry, _ name: UnsafePointer<CChar>, at path: [UInt8], into directory: DirectoryWriter
    ) throws(GitError) {
        let mode: mode_t = entry.kind == .executable ? 0o755 : 0o644
        let file = try located(path) { () throws(DirectoryWriter.Failure) in try directory.create(name, mode: mode) }
        var size = 0
        do throws(GitError) {
            let receive = { (bytes: UnsafeRawBufferPointer) throws(GitError) in
                try queue.check()
                try located(path) { () throws(DirectoryWriter.Failure) in try DirectoryWriter.write(bytes, to: file) }
                size += bytes.count
            }
            if try !objects.streamBlob(entry.id, by: directory.descriptor, to: receive) {
                size = 0
                try located(path) { () throws(DirectoryWriter.Failure) in try directory.empty(file) }
                try largeBlobs.locked { () throws(GitError) in
                    try located(path) { () throws(GitError) in
                        try objects.withObject(entry.id, GIT_OBJECT_BLOB, receive)
                    }
                }
            }
        } catch {
            close(file)
            throw error
        }
        let stamp = try located(path) { () throws(DirectoryWriter.Failure) in try directory.finish(file, mode: mode) }
        let blob = entry.id.text
        try index.report(IndexEntry(path: path, mode: 0o100000 | Int(mode), size: size, blob: blob, stamp: stamp))
    }

    private func writeLink(
        _ blob: ObjectID, _ name: UnsafePointer<CChar>, at path: [UInt8], into directory: DirectoryWriter
    ) throws(GitError) {
        let target = try located(path) { () throws(GitError) in try objects.blob(blob, limit: LinkRules.longest) }
        let stamp = try located(path) { () throws(DirectoryWriter.Failure) in try directory.link(name, to: target) }
        try index.report(IndexEntry(path: path, mode: 0o120000, size: target.count, blob: blob.text, stamp: stamp))
    }
}

/// Adds the path to what a system call says.
func located<Result>(
    _ path: [UInt8], _ body: () throws(DirectoryWriter.Failure) -> Result
) throws(GitError) -> Result {
    do {
        return try body()
    } catch {
        throw .system(errno: error.errno, call: error.call, path: path)
    }
}

/// Adds the path to what a reader of objects says, which knows only ids.
func located<Result>(_ path: [UInt8], _ body: () throws(GitError) -> Result) throws(GitError) -> Result {
    do {
        return try body()
    } catch {
        switch error {
        case .refused(let refusal): throw .refused(TreeRefusal(refusal.rule, path, refusal.problem))
        case .library(let code, let function, let message):
            throw .library(code: code, function: function, message: "\(path.quoted): \(message)")
        default: throw error
        }
    }
}
