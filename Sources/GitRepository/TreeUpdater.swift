import CLibgit2
import Glibc

/// Brings a directory that holds one tree to another, by the difference of the two: subtrees with the same id are
/// neither read nor touched.
struct TreeUpdater {
    private struct Entry {
        let mode: UInt32
        let id: ObjectID
        var kind: EntryKind { EntryKind(mode: mode) }
    }

    private let objects: ObjectReader
    private let tree: InspectedTree
    private let hollow: HollowTrees
    private let missing: Set<[UInt8]>
    private let incomplete: Set<[UInt8]>
    private let changes: (TreeChange) throws -> Void
    private var path: [UInt8] = []

    /// Updates the directory.
    ///
    /// - Parameters:
    ///   - base: the tree that is there, nothing else.
    ///   - missing: paths of the base's files that are not there.
    ///   - tree: what was found of the new one.
    static func update(
        _ base: ObjectID, to root: ObjectID, _ objects: ObjectReader, missing: Set<[UInt8]>, _ tree: InspectedTree,
        in directory: Int32, changes: (TreeChange) throws -> Void
    ) throws(GitError) {
        try withoutActuallyEscaping(changes) { (changes) throws(GitError) in
            var updater = TreeUpdater(objects, tree, missing, changes)
            try updater.update(base, to: root, in: DirectoryWriter(descriptor: directory))
        }
    }

    private init(
        _ objects: ObjectReader, _ tree: InspectedTree, _ missing: Set<[UInt8]>,
        _ changes: @escaping (TreeChange) throws -> Void
    ) {
        self.objects = objects
        self.tree = tree
        hollow = HollowTrees(objects, all: tree.hollow)
        self.missing = missing
        self.changes = changes
        var incomplete: Set<[UInt8]> = []
        for file in missing.union(tree.submodules) {
            var end = file.lastIndex(of: UInt8(ascii: "/"))
            while let slash = end, incomplete.insert(Array(file[..<slash])).inserted {
                end = file[..<slash].lastIndex(of: UInt8(ascii: "/"))
            }
        }
        self.incomplete = incomplete
    }

    private mutating func update(
        _ base: ObjectID, to new: ObjectID, in directory: DirectoryWriter
    ) throws(GitError) {
        let before = try entries(of: base)
        let wanted = try objects.withTree(new) { (cursor) throws(GitError) in
            var wanted: [([UInt8], Entry)] = []
            while let entry = try cursor.next() {
                wanted.append((Array(entry.name), Entry(mode: entry.mode, id: entry.id)))
            }
            return wanted
        }
        // First what goes: a name may be a file in one and a directory in the other.
        var gone = before
        for (name, entry) in wanted {
            if let old = before[name], try stays(old, as: entry) { gone[name] = nil }
        }
        for (name, entry) in gone { try remove(name, entry, from: directory) }
        for (name, entry) in wanted { try bring(name, entry, before: before[name], to: directory) }
    }

    private func entries(of tree: ObjectID) throws(GitError) -> [[UInt8]: Entry] {
        try objects.withTree(tree) { (cursor) throws(GitError) in
            var entries: [[UInt8]: Entry] = [:]
            while let entry = try cursor.next() {
                entries[Array(entry.name)] = Entry(mode: entry.mode, id: entry.id)
            }
            return entries
        }
    }

    /// Whether the entry is kept, or is a directory that is changed in place.
    private func stays(_ before: Entry, as entry: Entry) throws(GitError) -> Bool {
        guard before.kind == entry.kind else { return false }
        switch entry.kind {
        case .directory: return try !hollow.contains(entry.id)
        // An empty directory whatever commit it stands for.
        case .submodule: return true
        default: return before.id == entry.id
        }
    }

    private mutating func bring(
        _ name: [UInt8], _ entry: Entry, before: Entry?, to directory: DirectoryWriter
    ) throws(GitError) {
        let end = enter(name)
        defer { path.removeLast(path.count - end) }
        let isSame = before?.kind == entry.kind && before?.id == entry.id
        guard entry.kind == .directory else {
            if isSame, !missing.contains(path), entry.kind != .submodule { return }
            if entry.kind == .submodule, let there = try open(name, in: directory) {
                return _ = close(there.descriptor)
            }
            return try export(name, entry, to: directory)
        }
        if isSame, !incomplete.contains(path) { return }
        if try hollow.contains(entry.id) { return }
        if let before, before.kind == .directory, let inside = try open(name, in: directory) {
            defer { close(inside.descriptor) }
            try update(before.id, to: entry.id, in: inside)
        } else {
            try export(name, entry, to: directory)
        }
    }

    /// Removes what the base has of a name; what is gone already is no error.
    private mutating func remove(
        _ name: [UInt8], _ entry: Entry, from directory: DirectoryWriter
    ) throws(GitError) {
        let end = enter(name)
        defer { path.removeLast(path.count - end) }
        guard entry.kind == .directory else {
            guard entry.kind != .submodule else { return try unlink(name, from: directory, flags: AT_REMOVEDIR) }
            try unlink(name, from: directory, flags: 0)
            return try tell(.removed(path))
        }
        guard let inside = try open(name, in: directory) else { return }
        do throws(GitError) {
            for (name, entry) in try entries(of: entry.id) { try remove(name, entry, from: inside) }
        } catch {
            close(inside.descriptor)
            throw error
        }
        close(inside.descriptor)
        try unlink(name, from: directory, flags: AT_REMOVEDIR)
    }

    private func export(_ name: [UInt8], _ entry: Entry, to directory: DirectoryWriter) throws(GitError) {
        let prefix = Array(path.dropLast(name.count))
        let result = (name + [0]).withUnsafeBytes { bytes in
            Result { () throws(GitError) in
                let lent = UnsafeRawBufferPointer(rebasing: bytes.dropLast())
                try TreeExporter.export(
                    TreeEntry(mode: entry.mode, name: lent, id: entry.id), at: prefix, of: tree, hollow, objects,
                    into: directory
                ) { try changes(.written($0)) }
            }
        }
        try result.get()
    }

    private mutating func enter(_ name: [UInt8]) -> Int {
        let end = path.count
        if !path.isEmpty { path.append(UInt8(ascii: "/")) }
        path.append(contentsOf: name)
        return end
    }

    /// nil where there is no such directory: a tree without a file is not on the disk.
    private func open(_ name: [UInt8], in directory: DirectoryWriter) throws(GitError) -> DirectoryWriter? {
        let text = name.map { CChar(bitPattern: $0) } + [0]
        let inside = openat(directory.descriptor, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if inside >= 0 { return DirectoryWriter(descriptor: inside) }
        guard errno == ENOENT else { throw .system(errno: errno, call: "openat", path: path) }
        return nil
    }

    private func unlink(_ name: [UInt8], from directory: DirectoryWriter, flags: Int32) throws(GitError) {
        let text = name.map { CChar(bitPattern: $0) } + [0]
        guard unlinkat(directory.descriptor, text, flags) == 0 || errno == ENOENT else {
            throw .system(errno: errno, call: "unlinkat", path: path)
        }
    }

    private func tell(_ change: TreeChange) throws(GitError) {
        do {
            try changes(change)
        } catch {
            throw .index(error)
        }
    }
}

/// What an update did to a file or symlink.
public enum TreeChange: Sendable {
    /// It was removed; a path in raw bytes. It may have been missing already.
    case removed([UInt8])
    /// It was written.
    case written(IndexEntry)
}
