/// Judges a tree by what it does not share with one that has passed the same policy. A subtree that both have at the
/// same path keeps every rule: names, links and sizes are as they were, and so are the depth and the length of paths.
/// One that has moved is judged anew.
struct DifferenceInspector {
    /// Counts first, so that the walk over what was added has an end, then looks at what was added.
    ///
    /// - Throws: `refused` for what was added; whether by the rule that a whole inspection would name is not sure where
    ///   several are broken. Also where the old tree is not what it is said to be.
    static func inspect(
        _ root: ObjectID, since passed: PassedTree, _ old: ObjectID, _ objects: ObjectReader, _ policy: TreePolicy
    ) throws(GitError) -> InspectedTree {
        var count = DifferenceCount(TreeCounter(objects, policy), TreeCounter(objects, policy))
        try TreeDifference.walk(from: old, to: root, objects, &count)
        let counted = passed.counted + count.added - count.removed
        guard counted <= policy.entries else {
            throw .refused(TreeRefusal(.size, [], "has more than \(policy.entries) files and directories"))
        }
        var change = DifferenceContent(
            added: TreeInspector(objects, policy, hollow: count.after.hollow),
            removed: TreeInspector(objects, policy, hollow: count.before.hollow),
            hollow: HollowTrees(objects, all: nil))
        try TreeDifference.walk(from: old, to: root, objects, &change)
        let summary = passed.summary.adding(change.added.summary, without: change.removed.summary)
        guard summary.bytes <= policy.bytes else {
            throw .refused(TreeRefusal(.size, [], "has more than \(policy.bytes) bytes"))
        }
        guard summary.files + summary.symlinks > 0 else { throw .refused(TreeRefusal(.empty, [], "has no files")) }
        let found = InspectedTree(
            summary: summary, counted: counted, root: root, hollow: nil, large: change.added.large,
            submodules: change.added.submodules)
        guard PassedTree(passed.commit, summary: summary, counted: counted, submodules: 0, policy: policy) != nil else {
            throw .refused(TreeRefusal(.corrupt, [], "differs otherwise from \(old.text) than it can"))
        }
        return found
    }
}

/// How many entries were added and removed.
private struct DifferenceCount: TreeDifferenceVisitor {
    var after: TreeCounter
    var before: TreeCounter
    var added = 0
    var removed = 0

    init(_ after: TreeCounter, _ before: TreeCounter) {
        self.after = after
        self.before = before
    }

    func compare(_ new: ObjectID, with old: ObjectID, at path: [UInt8], depth: Int) {}

    mutating func add(_ entry: TreeEntry, in directory: [UInt8], depth: Int) throws(GitError) {
        added += try after.count(entry, in: directory, depth: depth)
        // Far past every limit there is nothing left to count.
        guard added <= 1 << 40 else { throw .refused(TreeRefusal(.size, [], "has too many files and directories")) }
    }

    mutating func remove(_ entry: TreeEntry, in directory: [UInt8], depth: Int) throws(GitError) {
        removed += try before.count(entry, in: directory, depth: depth)
    }
}

/// What was added and removed, the new of it judged.
private struct DifferenceContent: TreeDifferenceVisitor {
    var added: TreeInspector
    var removed: TreeInspector
    let hollow: HollowTrees

    mutating func compare(_ new: ObjectID, with old: ObjectID, at path: [UInt8], depth: Int) throws(GitError) {
        try added.checkNames(new, at: path, depth: depth)
        guard depth > 0 else { return }
        // A directory is written for one that has a file below it.
        if try !hollow.contains(new) { added.summary.directories += 1 }
        if try !hollow.contains(old) { removed.summary.directories += 1 }
    }

    mutating func add(_ entry: TreeEntry, in directory: [UInt8], depth: Int) throws(GitError) {
        try added.see(entry, in: directory, depth: depth)
    }

    mutating func remove(_ entry: TreeEntry, in directory: [UInt8], depth: Int) throws(GitError) {
        try removed.see(entry, in: directory, depth: depth)
    }
}

extension TreeSummary {
    fileprivate func adding(_ added: TreeSummary, without removed: TreeSummary) -> TreeSummary {
        TreeSummary(
            files: files + added.files - removed.files,
            directories: directories + added.directories - removed.directories,
            symlinks: symlinks + added.symlinks - removed.symlinks,
            bytes: bytes + added.bytes - removed.bytes,
            lfsPointers: lfsPointers + added.lfsPointers - removed.lfsPointers)
    }
}
