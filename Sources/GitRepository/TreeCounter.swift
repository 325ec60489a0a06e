/// Counts what a tree would come to when written, and reads each tree once, however often it is used: a tree of 128
/// entries that are all one other tree, ten levels deep, is 10^21 files in a push of 60 KB (A13).
struct TreeCounter {
    /// What is below a tree.
    private struct Totals {
        var entries = 0
        /// How many names the longest chain of names has.
        var height = 0
        /// How many bytes the longest path has.
        var longest = 0
        /// Whether there is a file or symlink, or anything else that is no directory.
        var hasFile = false
    }

    private let objects: ObjectReader
    private let policy: TreePolicy
    private var known: [ObjectID: Totals] = [:]
    private var path: [UInt8] = []
    /// The trees below which there is no file, of those that were counted. Git writes no directory for them.
    private(set) var hollow: Set<ObjectID> = []

    init(_ objects: ObjectReader, _ policy: TreePolicy) {
        self.objects = objects
        self.policy = policy
    }

    /// Refuses a tree with too many entries, too deep, or with names or paths that are too long.
    ///
    /// - Returns: the trees below which there is no file, and how many entries there are in all.
    static func check(
        _ root: ObjectID, _ objects: ObjectReader, _ policy: TreePolicy
    ) throws(GitError) -> (hollow: Set<ObjectID>, entries: Int) {
        var counter = TreeCounter(objects, policy)
        let totals = try counter.totals(of: root, depth: 0)
        return (counter.hollow, totals.entries)
    }

    /// How many entries one of a directory comes to, itself included.
    ///
    /// - Parameter directory: the path, with a slash at its end unless it is empty.
    mutating func count(_ entry: TreeEntry, in directory: [UInt8], depth: Int) throws(GitError) -> Int {
        path = directory
        var totals = Totals()
        try add(entry, to: &totals, depth: depth + 1)
        return totals.entries
    }

    private mutating func totals(of tree: ObjectID, depth: Int) throws(GitError) -> Totals {
        if let totals = known[tree] {
            try checkAgain(totals, depth: depth)
            return totals
        }
        let totals = try objects.withTree(tree) { (cursor) throws(GitError) in
            var totals = Totals()
            while let entry = try cursor.next() {
                try add(entry, to: &totals, depth: depth + 1)
            }
            return totals
        }
        known[tree] = totals
        if !totals.hasFile { hollow.insert(tree) }
        return totals
    }

    private mutating func add(_ entry: TreeEntry, to totals: inout Totals, depth: Int) throws(GitError) {
        let length = entry.name.count
        guard length <= policy.nameLength else {
            throw refusal(entry, "has a name of \(length) bytes; \(policy.nameLength) are allowed")
        }
        guard depth <= policy.depth else { throw refusal(entry, Self.deep(policy)) }
        guard path.count + length <= policy.pathLength else { throw refusal(entry, Self.long(policy)) }
        let below = entry.kind == .directory ? try self.below(entry, depth: depth) : Totals(hasFile: true)
        totals.hasFile = totals.hasFile || below.hasFile
        totals.entries += 1 + below.entries
        totals.height = max(totals.height, 1 + below.height)
        totals.longest = max(totals.longest, length + below.longest)
        guard totals.entries <= policy.entries else {
            throw .refused(TreeRefusal(.size, [], "has more than \(policy.entries) files and directories"))
        }
    }

    /// What is below a directory; the longest path with its `/`.
    private mutating func below(_ entry: TreeEntry, depth: Int) throws(GitError) -> Totals {
        let end = path.count
        path.append(contentsOf: entry.name)
        path.append(UInt8(ascii: "/"))
        defer { path.removeLast(path.count - end) }
        var below = try totals(of: entry.id, depth: depth)
        below.longest += below.entries > 0 ? 1 : 0
        return below
    }

    /// Refuses a directory below which something is too deep or has too long a path. It was read at another place.
    private func checkAgain(_ totals: Totals, depth: Int) throws(GitError) {
        guard depth + totals.height <= policy.depth else {
            throw .refused(TreeRefusal(.length, path, Self.deep(policy)))
        }
        guard path.count + totals.longest <= policy.pathLength else {
            throw .refused(TreeRefusal(.length, path, Self.long(policy)))
        }
    }

    private func refusal(_ entry: TreeEntry, _ problem: String) -> GitError {
        .refused(TreeRefusal(.length, path + entry.name, problem))
    }

    private static func deep(_ policy: TreePolicy) -> String { "leads deeper than \(policy.depth) names" }
    private static func long(_ policy: TreePolicy) -> String {
        "leads to a path of more than \(policy.pathLength) bytes"
    }
}
