public import ReleaseModel

/// What was found of a tree that the policy passes: a pass to write it.
public struct InspectedTree: Sendable {
    /// What it holds.
    public let summary: TreeSummary
    /// How many entries its trees have, those counted too that are not written; the policy limits this number.
    public let counted: Int
    /// The root that was inspected.
    let root: ObjectID
    /// The trees that are not written, since no file is below them; nil where not every tree was read.
    let hollow: Set<ObjectID>?
    /// The blobs of which a thread holds one in memory only while no other does; of what was read.
    let large: Set<ObjectID>
    /// The paths of the submodules, of each of which an empty directory is made. No index lists them, so that an update
    /// must know of all, in subtrees that did not change too.
    let submodules: Set<[UInt8]>

    /// How many submodules it has, of each of which an empty directory is made.
    public var submoduleCount: Int { submodules.count }

    /// Whether every tree was read, and not only what differs from a tree that had passed before.
    public var isWhole: Bool { hollow != nil }
}

/// A tree that has passed an inspection by the same policy, so that only what differs from it needs another.
public struct PassedTree: Sendable {
    let commit: CommitID
    let summary: TreeSummary
    let counted: Int

    /// A commit's tree, with what its inspection found.
    ///
    /// - Parameter submodules: how many it has.
    /// - Returns: nil where the policy would not have passed such a tree, and where it has submodules, all of which an
    ///   update must find.
    public init?(_ commit: CommitID, summary: TreeSummary, counted: Int, submodules: Int, policy: TreePolicy) {
        let entries = [summary.files, summary.directories, summary.symlinks, summary.lfsPointers, counted]
        guard entries.allSatisfy({ (0...policy.entries).contains($0) }), (0...policy.bytes).contains(summary.bytes),
            counted >= summary.entries, submodules == 0
        else { return nil }
        self.commit = commit
        self.summary = summary
        self.counted = counted
    }
}
