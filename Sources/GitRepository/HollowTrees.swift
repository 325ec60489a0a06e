/// Which trees have no file below them: git writes no directory for one, and neither does an export.
final class HollowTrees {
    private let objects: ObjectReader
    private let all: Set<ObjectID>?
    private var known: [ObjectID: Bool] = [:]

    /// - Parameter all: all of them, where the whole tree was read; else each tree that is asked for is looked into.
    init(_ objects: ObjectReader, all: Set<ObjectID>?) {
        self.objects = objects
        self.all = all
    }

    func contains(_ tree: ObjectID) throws(GitError) -> Bool {
        if let all { return all.contains(tree) }
        if let isHollow = known[tree] { return isHollow }
        // Most trees have a file among their first entries.
        let isHollow = try objects.withTree(tree) { (cursor) throws(GitError) in
            while let entry = try cursor.next() {
                guard entry.kind == .directory, try contains(entry.id) else { return false }
            }
            return true
        }
        known[tree] = isHollow
        return isHollow
    }
}
