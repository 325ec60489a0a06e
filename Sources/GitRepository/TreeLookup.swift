/// Finds what stands at a path of a tree as the kernel would find it in the exported tree, symlinks followed inside it.
struct TreeLookup {
    /// What was found.
    enum Found: Equatable {
        case file(ObjectID)
        case directory(ObjectID)
    }

    /// As many as Linux follows in one path (path_resolution(7)).
    private static let mostLinks = 40

    private let objects: ObjectReader
    private var directories: [ObjectID]
    private var pending: [[UInt8]] = []
    private var links = 0

    private init(_ objects: ObjectReader, root: ObjectID) {
        self.objects = objects
        directories = [root]
    }

    /// What stands at the path; nil where there is nothing, or a link that leads out of the tree or in circles.
    static func find(_ path: [UInt8], in root: ObjectID, _ objects: ObjectReader) throws(GitError) -> Found? {
        var lookup = TreeLookup(objects, root: root)
        return lookup.push(path) ? try lookup.walk() : nil
    }

    /// Puts the components of a path in front of those that are left; false for an absolute path.
    private mutating func push(_ path: [UInt8]) -> Bool {
        guard path.first != UInt8(ascii: "/") else { return false }
        pending.append(contentsOf: path.split(separator: UInt8(ascii: "/")).reversed().map(Array.init))
        return true
    }

    private mutating func walk() throws(GitError) -> Found? {
        while let name = pending.popLast() {
            if name.elementsEqual(".".utf8) { continue }
            if name.elementsEqual("..".utf8) {
                directories.removeLast()
                guard !directories.isEmpty else { return nil }
                continue
            }
            guard let directory = directories.last, let entry = try entry(name, in: directory) else { return nil }
            switch entry.kind {
            case .directory: directories.append(entry.id)
            case .file, .executable: return pending.isEmpty ? .file(entry.id) : nil
            case .link: guard try follow(entry.id) else { return nil }
            case .submodule, .other: return nil
            }
        }
        return directories.last.map { .directory($0) }
    }

    private mutating func follow(_ link: ObjectID) throws(GitError) -> Bool {
        links += 1
        guard links <= Self.mostLinks else { return false }
        return try push(objects.blob(link, limit: LinkRules.longest))
    }

    private func entry(_ name: [UInt8], in tree: ObjectID) throws(GitError) -> (kind: EntryKind, id: ObjectID)? {
        try objects.withTree(tree) { (cursor) throws(GitError) in
            while let entry = try cursor.next() {
                if entry.name.elementsEqual(name) { return (entry.kind, entry.id) }
            }
            return nil
        }
    }
}
