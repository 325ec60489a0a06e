/// Sees in what one tree differs from another, entry by entry. A subtree with one id at the same path in both is not
/// read.
protocol TreeDifferenceVisitor {
    /// A directory that is in both, with different entries; the root too. The path has a slash at its end.
    mutating func compare(_ new: ObjectID, with old: ObjectID, at path: [UInt8], depth: Int) throws(GitError)
    /// An entry that the new tree alone has at that place.
    mutating func add(_ entry: TreeEntry, in directory: [UInt8], depth: Int) throws(GitError)
    /// An entry that the old tree alone has at that place.
    mutating func remove(_ entry: TreeEntry, in directory: [UInt8], depth: Int) throws(GitError)
}

/// The way through two trees at once.
struct TreeDifference {
    private struct Place {
        let mode: UInt32
        let id: ObjectID
    }

    private let objects: ObjectReader
    private var path: [UInt8] = []

    /// Walks from one root to the other; where they are one, nothing is seen.
    static func walk(
        from old: ObjectID, to new: ObjectID, _ objects: ObjectReader, _ visitor: inout some TreeDifferenceVisitor
    ) throws(GitError) {
        guard old != new else { return }
        var difference = TreeDifference(objects: objects)
        try difference.compare(new, with: old, depth: 0, &visitor)
    }

    private init(objects: ObjectReader) { self.objects = objects }

    private mutating func compare(
        _ new: ObjectID, with old: ObjectID, depth: Int, _ visitor: inout some TreeDifferenceVisitor
    ) throws(GitError) {
        try visitor.compare(new, with: old, at: path, depth: depth)
        try objects.withTree(old) { (before) throws(GitError) in
            try objects.withTree(new) { (after) throws(GitError) in
                try compare(&after, with: &before, depth: depth, &visitor)
            }
        }
    }

    private mutating func compare(
        _ after: inout TreeCursor, with before: inout TreeCursor, depth: Int,
        _ visitor: inout some TreeDifferenceVisitor
    ) throws(GitError) {
        var (entry, other) = (try after.next(), try before.next())
        // Side by side as long as the names are the same, which is to the end where only contents have changed.
        while let new = entry, let old = other, new.name.elementsEqual(old.name) {
            try see(new, insteadOf: old, depth: depth, &visitor)
            (entry, other) = (try after.next(), try before.next())
        }
        var rest: [[UInt8]: Place] = [:]
        while let old = other {
            rest[Array(old.name)] = Place(mode: old.mode, id: old.id)
            other = try before.next()
        }
        while let new = entry {
            if let old = rest.removeValue(forKey: Array(new.name)) {
                let old = TreeEntry(mode: old.mode, name: new.name, id: old.id)
                try see(new, insteadOf: old, depth: depth, &visitor)
            } else {
                try visitor.add(new, in: path, depth: depth)
            }
            entry = try after.next()
        }
        for (name, old) in rest {
            let result = (name + [0]).withUnsafeBytes { bytes in
                Result { () throws(GitError) in
                    let name = UnsafeRawBufferPointer(rebasing: bytes.dropLast())
                    try visitor.remove(TreeEntry(mode: old.mode, name: name, id: old.id), in: path, depth: depth)
                }
            }
            try result.get()
        }
    }

    private mutating func see(
        _ new: TreeEntry, insteadOf old: TreeEntry, depth: Int, _ visitor: inout some TreeDifferenceVisitor
    ) throws(GitError) {
        if new.id == old.id, new.mode == old.mode { return }
        guard new.kind == .directory, old.kind == .directory else {
            try visitor.remove(old, in: path, depth: depth)
            return try visitor.add(new, in: path, depth: depth)
        }
        guard new.id != old.id else { return }
        let end = path.count
        path.append(contentsOf: new.name)
        path.append(UInt8(ascii: "/"))
        defer { path.removeLast(path.count - end) }
        try compare(new.id, with: old.id, depth: depth + 1, &visitor)
    }
}
