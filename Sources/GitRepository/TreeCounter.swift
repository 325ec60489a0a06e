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
    }

    private let objects: ObjectReader
    private let policy: TreePolicy
    private var known: [ObjectID: Totals] = [:]
    private var path: [UInt8] = []

    private init(_ objects: ObjectReader, _ policy: TreePolicy) {
        self.objects = objects
        self.policy = policy
    }

    /// Refuses a tree with too many entries, too deep, or with names or paths that are too long.
    static func check(_ root: ObjectID, _ objects: ObjectReader, _ policy: TreePolicy) throws(GitError) {
        var counter = TreeCounter(objects, policy)
        _ = try counter.totals(of: root, depth: 0)
    }

    private mutating func totals(of tree: ObjectID, depth: Int) throws(GitError) -> Totals {
        if let totals = known[tree] {
            try checkPaths(totals, depth: depth)
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
        return totals
    }

    private mutating func add(_ entry: TreeEntry, to totals: inout Totals, depth: Int) throws(GitError) {
        let end = path.count
        path.append(contentsOf: entry.name)
        defer { path.removeLast(path.count - end) }
        guard entry.name.count <= policy.nameLength else {
            throw refusal("has a name of \(entry.name.count) bytes; \(policy.nameLength) are allowed")
        }
        var below = Totals()
        try checkPaths(below, depth: depth)
        if entry.kind == .directory {
            path.append(UInt8(ascii: "/"))
            below = try self.totals(of: entry.id, depth: depth)
            below.longest += below.entries > 0 ? 1 : 0
        }
        totals.entries += 1 + below.entries
        totals.height = max(totals.height, 1 + below.height)
        totals.longest = max(totals.longest, entry.name.count + below.longest)
        guard totals.entries <= policy.entries else {
            throw .refused(TreeRefusal(.size, [], "has more than \(policy.entries) files and directories"))
        }
    }

    /// Refuses where something below the path would be too deep or have too long a path.
    private func checkPaths(_ totals: Totals, depth: Int) throws(GitError) {
        guard depth + totals.height <= policy.depth else {
            throw refusal("leads deeper than \(policy.depth) names")
        }
        guard path.count + totals.longest <= policy.pathLength else {
            throw refusal("leads to a path of more than \(policy.pathLength) bytes")
        }
    }

    private func refusal(_ problem: String) -> GitError { .refused(TreeRefusal(.length, path, problem)) }
}
