import CLibgit2
import Glibc
public import ReleaseModel
public import SystemPackage

/// What was written for one entry of a tree.
public struct IndexEntry: Sendable, Equatable {
    /// The path in the tree's own bytes.
    public let path: [UInt8]
    /// `0o100644`, `0o100755` or `0o120000`.
    public let mode: Int
    /// Bytes of the file, or of the link's target.
    public let size: Int
    /// The blob's id, 40 hexadecimal digits.
    public let blob: String
}

extension GitRepository {
    /// Writes a commit's tree into an empty directory: the blobs as git holds them, no attribute, filter or text
    /// conversion applied; files 0644 or 0755, links, directories 0755, nothing else. Each name is made relative to
    /// its directory's descriptor and must not exist, so that nothing is ever written elsewhere.
    ///
    /// - Parameter index: called for each file and link, in the tree's order.
    /// - Throws: `GitError.write` with the path and the system's error; what was written stays for the caller to remove.
    public func export(
        _ id: CommitID, into directory: FileDescriptor, index: (IndexEntry) throws -> Void
    ) throws -> TreeSummary {
        let root = try openTree(of: id)
        defer { git_tree_free(root) }
        var summary = TreeSummary()
        try withoutActuallyEscaping(index) { index in
            var export = TreeExport(repository: self, index: index, summary: summary)
            try export.write(root, into: directory, path: [])
            summary = export.summary
        }
        return summary
    }
}

private struct TreeExport {
    let repository: GitRepository
    let index: (IndexEntry) throws -> Void
    var summary: TreeSummary

    mutating func write(_ tree: OpaquePointer, into directory: FileDescriptor, path: [UInt8]) throws {
        for position in 0..<git_tree_entrycount(tree) {
            guard let entry = git_tree_entry_byindex(tree, position), let id = git_tree_entry_id(entry),
                let name = git_tree_entry_name(entry)
            else { continue }
            let place = path + entryName(entry)
            switch git_tree_entry_filemode(entry) {
            case GIT_FILEMODE_TREE:
                summary.directories += 1
                try writeDirectory(id, name, into: directory, place)
            case GIT_FILEMODE_LINK: try writeBlob(id, name, into: directory, place, mode: 0o120000)
            case GIT_FILEMODE_BLOB_EXECUTABLE: try writeBlob(id, name, into: directory, place, mode: 0o100755)
            case GIT_FILEMODE_BLOB:
                try writeBlob(id, name, into: directory, place, mode: 0o100644)
            default:
                throw GitError.treeRefused(path: text(place), problem: "is neither a file, a link nor a directory")
            }
        }
    }

    private mutating func writeDirectory(
        _ id: UnsafePointer<git_oid>, _ name: UnsafePointer<CChar>, into directory: FileDescriptor, _ place: [UInt8]
    ) throws {
        guard mkdirat(directory.rawValue, name, 0o755) == 0 else { throw failure(place) }
        let inner = openat(directory.rawValue, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard inner >= 0 else { throw failure(place) }
        let descriptor = FileDescriptor(rawValue: inner)
        defer { try? descriptor.close() }
        // The umask may have taken bits away.
        guard fchmod(inner, 0o755) == 0 else { throw failure(place) }
        let tree = try repository.openTree(id)
        defer { git_tree_free(tree) }
        try write(tree, into: descriptor, path: place + [UInt8(ascii: "/")])
    }

    private mutating func writeBlob(
        _ id: UnsafePointer<git_oid>, _ name: UnsafePointer<CChar>, into directory: FileDescriptor, _ place: [UInt8],
        mode: Int
    ) throws {
        var blob: OpaquePointer?
        let code = git_blob_lookup(&blob, repository.handle, id)
        guard code == 0, let blob else { throw GitError.last(code, "git_blob_lookup") }
        defer { git_blob_free(blob) }
        let bytes = UnsafeRawBufferPointer(start: git_blob_rawcontent(blob), count: Int(git_blob_rawsize(blob)))
        if mode == 0o120000 {
            guard makeLink(bytes, directory, name) else { throw failure(place) }
            summary.symlinks += 1
        } else {
            try writeFile(bytes, name, into: directory, place, permissions: mode_t(mode & 0o777))
        }
        summary.files += 1
        summary.bytes += bytes.count
        try index(IndexEntry(path: place, mode: mode, size: bytes.count, blob: id.pointee.hexadecimal))
    }

    private func writeFile(
        _ bytes: UnsafeRawBufferPointer, _ name: UnsafePointer<CChar>, into directory: FileDescriptor, _ place: [UInt8],
        permissions: mode_t
    ) throws {
        var raw: Int32
        repeat {
            raw = openat(directory.rawValue, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, permissions)
        } while raw < 0 && errno == EINTR
        guard raw >= 0 else { throw failure(place) }
        let file = FileDescriptor(rawValue: raw)
        defer { try? file.close() }
        do {
            try file.writeAll(bytes)
        } catch let error as Errno {
            throw GitError.write(path: text(place), code: error.rawValue, message: "\(error)")
        }
        guard fchmod(raw, permissions) == 0 else { throw failure(place) }
    }

    /// The target is bytes, which need not be UTF-8.
    private func makeLink(
        _ bytes: UnsafeRawBufferPointer, _ directory: FileDescriptor, _ name: UnsafePointer<CChar>
    ) -> Bool {
        let target = Array(bytes) + [0]
        return target.withUnsafeBytes { buffer in
            guard let start = buffer.bindMemory(to: CChar.self).baseAddress else { return false }
            return Glibc.symlinkat(start, directory.rawValue, name) == 0
        }
    }

    private func failure(_ place: [UInt8]) -> GitError {
        let code = errno
        return .write(path: text(place), code: code, message: "\(Errno(rawValue: code))")
    }

    private func text(_ place: [UInt8]) -> String { String(decoding: place, as: UTF8.self) }
}
