import CLibgit2
public import ReleaseModel
public import SystemPackage

extension GitRepository {
    /// The tree of a commit, for reading a manifest from it.
    public func tree(of id: CommitID) throws(GitError) -> CommitTree {
        try CommitTree(root(of: id), objects)
    }

    /// Judges the tree of a commit, before a byte of it is written.
    ///
    /// - Throws: `refused` with the first rule that it breaks.
    public func inspect(_ id: CommitID, policy: TreePolicy = .standard) throws(GitError) -> TreeSummary {
        try TreeInspector.inspect(root(of: id), objects, policy).summary
    }

    /// Judges the tree of a commit by what differs from one that has passed the same policy; whole where there is none.
    ///
    /// - Throws: `refused` with the first rule that it breaks, as a whole inspection finds it.
    public func inspect(
        _ id: CommitID, since passed: PassedTree?, policy: TreePolicy = .standard
    ) throws(GitError) -> InspectedTree {
        let root = try root(of: id)
        // Whatever the difference could not tell, and whatever it refuses, the whole tree says better.
        if let passed, let old = try? self.root(of: passed.commit),
            let tree = try? DifferenceInspector.inspect(root, since: passed, old, objects, policy)
        {
            return tree
        }
        return try TreeInspector.inspect(root, objects, policy)
    }

    /// Writes the tree of a commit into an open directory: what `git archive` gives for a repository without attributes.
    /// Files get mode 0644 or 0755, directories 0755, whatever the umask; a directory without
    /// a file below it is left out, as git does. Nothing is synced.
    ///
    /// The tree is inspected first, so that a refused one leaves the directory as it was. A failure later leaves what was
    /// written until then, for the caller to remove.
    ///
    /// A large tree is written by several threads.
    ///
    /// - Parameter inspected: what an inspection of this tree by the policy found, so that it is not inspected again.
    /// - Parameter index: gets each file and symlink once it is written, one at a time but not always on the same thread,
    ///   and in the tree's order only where the tree is small; what it throws ends the export as `index`.
    /// - Throws: `refused`, `system` with the path, or `library`.
    public func export(
        _ id: CommitID, into directory: FileDescriptor, policy: TreePolicy = .standard,
        inspected: InspectedTree? = nil, index: (IndexEntry) throws -> Void
    ) throws(GitError) -> TreeSummary {
        let root = try root(of: id)
        // Only a whole inspection knows which blobs are large.
        let tree = try inspection(of: root, inspected?.isWhole == true ? inspected : nil, policy)
        let others = try otherReaders(for: tree.summary)
        try TreeExporter.export(root, of: tree, objects, others: others, into: directory.rawValue, index: index)
        return tree.summary
    }

    /// Brings a directory that holds one commit's tree, and nothing else, to another's, by the difference of the two: what
    /// they have in common is neither read nor touched. The new tree is inspected first, as `export` does.
    ///
    /// - Parameters:
    ///   - missing: paths of the base's files that are not there; they are written where the new tree has them.
    ///   - inspected: what an inspection of the new tree by the policy found, so that it is not inspected again.
    ///   - changes: gets each file and symlink that was removed or written; what it throws ends the update as `index`.
    /// - Throws: as `export` does, also where the base's trees are gone; the directory holds neither tree then.
    public func update(
        _ directory: FileDescriptor, from base: CommitID, to id: CommitID, missing: Set<[UInt8]> = [],
        policy: TreePolicy = .standard, inspected: InspectedTree? = nil, changes: (TreeChange) throws -> Void
    ) throws(GitError) -> TreeSummary {
        let root = try root(of: id)
        let tree = try inspection(of: root, inspected, policy)
        try TreeUpdater.update(
            self.root(of: base), to: root, objects, missing: missing, tree, in: directory.rawValue,
            changes: changes)
        return tree.summary
    }

    private func inspection(
        of root: ObjectID, _ known: InspectedTree?, _ policy: TreePolicy
    ) throws(GitError) -> InspectedTree {
        if let known, known.root == root { return known }
        return try TreeInspector.inspect(root, objects, policy)
    }

    /// A reader for each thread beside this one. A small tree is written sooner than they are opened; the objects of a
    /// quarantine are found through this repository's own handle only.
    private func otherReaders(for tree: TreeSummary) throws(GitError) -> [ObjectReader] {
        guard !isQuarantined, tree.files + tree.symlinks >= Self.worthThreads else { return [] }
        let directory = try Self.objectsDirectory(of: handle)
        var readers: [ObjectReader] = []
        for number in 1..<WorkerThread.useful {
            // libgit2 shares an open pack, its cache of delta bases and its lock between all who name it alike.
            let spelling = directory + String(repeating: "./", count: number)
            let bases = Self.basesKept / WorkerThread.useful
            try readers.append(ObjectReader(objects: spelling, packs: objects.packs, bases: bases))
        }
        return readers
    }

    private static let worthThreads = 200

    private func root(of id: CommitID) throws(GitError) -> ObjectID {
        try withCommit(id) { (commit) throws(GitError) in ObjectID(git_commit_tree_id(commit).pointee) }
    }
}
