import CLibgit2
public import ReleaseModel
public import SystemPackage

/// What stands at a path of a tree: the same id under the same path is the same content, all that lies below included.
public struct TreeMatch: Sendable, Equatable {
    /// The path in the tree's own bytes; empty for the root.
    public let path: [UInt8]
    /// The mode as the tree has it.
    public let mode: UInt32
    /// The id of the blob or tree, 40 hexadecimal digits; for a link also that of what it leads to.
    public let id: String
}

extension CommitTree {
    /// All that a pattern names, by path. A link on the way is followed as long as it stays in the tree.
    public func matches(of pattern: PathPattern) throws(GitError) -> [TreeMatch] {
        guard let last = pattern.parts.last else { return [TreeMatch(path: [], mode: 0o040000, id: id)] }
        var directories: [(path: [UInt8], tree: ObjectID)] = [([], root)]
        for part in pattern.parts.dropLast() {
            var below: [(path: [UInt8], tree: ObjectID)] = []
            for directory in directories {
                for entry in try entries(of: directory.tree, directory.path, named: part) {
                    guard case .directory(let tree) = try found(entry) else { continue }
                    below.append((entry.path, tree))
                }
            }
            directories = below
        }
        var result: [TreeMatch] = []
        for directory in directories {
            for entry in try entries(of: directory.tree, directory.path, named: last) {
                let target = entry.kind == .link ? try found(entry) : nil
                let id = entry.id.text + (target.map { ">\($0.id.text)" } ?? "")
                result.append(TreeMatch(path: entry.path, mode: entry.mode, id: id))
            }
        }
        return result.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    private struct Entry {
        let path: [UInt8]
        let mode: UInt32
        let id: ObjectID
        var kind: EntryKind { EntryKind(mode: mode) }
    }

    private func entries(
        of tree: ObjectID, _ directory: [UInt8], named part: PathPattern.Part
    ) throws(GitError) -> [Entry] {
        try objects.withTree(tree) { (cursor) throws(GitError) in
            var found: [Entry] = []
            while let entry = try cursor.next() {
                let name = Array(entry.name)
                guard part.matches(name) else { continue }
                let path = directory.isEmpty ? name : directory + [UInt8(ascii: "/")] + name
                found.append(Entry(path: path, mode: entry.mode, id: entry.id))
            }
            return found
        }
    }

    private func found(_ entry: Entry) throws(GitError) -> TreeLookup.Found? {
        switch entry.kind {
        case .directory: .directory(entry.id)
        case .link: try TreeLookup.find(entry.path, in: root, objects)
        default: nil
        }
    }
}

extension TreeLookup.Found {
    fileprivate var id: ObjectID {
        switch self {
        case .file(let id), .directory(let id): id
        }
    }
}

/// The id that git would give some bytes, as a hash that tells contents apart.
public enum ContentID {
    /// 40 hexadecimal digits.
    public static func of(_ bytes: [UInt8]) throws(GitError) -> String {
        try Library.start()
        var raw = git_oid()
        let code = bytes.withUnsafeBytes { git_odb_hash(&raw, $0.baseAddress, $0.count, GIT_OBJECT_BLOB) }
        try check(code, "git_odb_hash")
        return ObjectID(raw).text
    }

    /// The same of a file, which is read in pieces. A link is followed.
    public static func of(file path: FilePath) throws(GitError) -> String {
        try Library.start()
        var raw = git_oid()
        let code = path.withPlatformString { git_odb_hashfile(&raw, $0, GIT_OBJECT_BLOB) }
        try check(code, "git_odb_hashfile")
        return ObjectID(raw).text
    }
}
