import CLibgit2
public import ReleaseModel

extension GitRepository {
    /// Reads a commit's whole tree and holds it against the policy, without writing anything.
    ///
    /// Sizes are added up per tree id first, so that a tree which names the same subtree again and again is refused
    /// before it is walked.
    ///
    /// - Throws: `GitError.treeRefused` with the first path that breaks the policy, `GitError.emptyTree`.
    public func inspect(_ id: CommitID, policy: TreePolicy = .standard) throws(GitError) -> TreeSummary {
        let root = try openTree(of: id)
        defer { git_tree_free(root) }
        var inspection = try TreeInspection(self, policy)
        defer { inspection.free() }
        let total = try inspection.total(of: root, level: 0)
        guard total.summary.files > 0 else { throw .emptyTree }
        try inspection.walkLinks(of: root, path: [], depth: 0, total: total)
        return total.summary
    }
}

/// One reading of a tree.
private struct TreeInspection {
    /// What a subtree holds, each of its own subtrees counted as often as it appears.
    struct Total {
        var summary = TreeSummary()
        /// The longest path inside, in bytes.
        var longestPath = 0
        /// Levels of directories inside.
        var levels = 0
        var entries: Int { summary.files + summary.directories }
    }

    let repository: GitRepository
    let policy: TreePolicy
    private let database: OpaquePointer
    private var totals: [ObjectKey: Total] = [:]
    private var sizes: [ObjectKey: Int] = [:]

    init(_ repository: GitRepository, _ policy: TreePolicy) throws(GitError) {
        self.repository = repository
        self.policy = policy
        var handle: OpaquePointer?
        let code = git_repository_odb(&handle, repository.handle)
        guard code == 0, let handle else { throw GitError.last(code, "git_repository_odb") }
        database = handle
    }

    func free() { git_odb_free(database) }

    mutating func total(of tree: OpaquePointer, level: Int) throws(GitError) -> Total {
        guard level <= policy.depth else {
            throw .treeRefused(path: "(deep)", problem: "directories are nested deeper than \(policy.depth) levels")
        }
        var total = Total()
        var names: Set<[UInt8]> = []
        for index in 0..<git_tree_entrycount(tree) {
            guard let entry = git_tree_entry_byindex(tree, index) else { continue }
            let name = entryName(entry)
            try checkName(name, atRoot: level == 0)
            guard names.insert(name).inserted else { throw refused(name, "the tree has the name twice") }
            try add(entry, name, to: &total, level: level)
            try checkLimits(total, name)
        }
        return total
    }

    private mutating func add(
        _ entry: OpaquePointer, _ name: [UInt8], to total: inout Total, level: Int
    ) throws(GitError) {
        switch git_tree_entry_filemode(entry) {
        case GIT_FILEMODE_TREE:
            let inner = try subtree(git_tree_entry_id(entry), level: level + 1)
            total.summary.directories += inner.summary.directories + 1
            total.summary.files += inner.summary.files
            total.summary.symlinks += inner.summary.symlinks
            total.summary.bytes += inner.summary.bytes
            total.levels = max(total.levels, inner.levels + 1)
            total.longestPath = max(total.longestPath, name.count + 1 + inner.longestPath)
        case GIT_FILEMODE_BLOB, GIT_FILEMODE_BLOB_EXECUTABLE, GIT_FILEMODE_LINK:
            total.summary.files += 1
            if git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK { total.summary.symlinks += 1 }
            total.summary.bytes += try size(of: git_tree_entry_id(entry), name)
            total.longestPath = max(total.longestPath, name.count)
        case GIT_FILEMODE_COMMIT:
            throw refused(name, "is a submodule; submodules are not deployed: add its files, or build without it")
        default:
            throw refused(name, "is neither a file, a link nor a directory")
        }
    }

    private mutating func subtree(_ id: UnsafePointer<git_oid>?, level: Int) throws(GitError) -> Total {
        guard let key = id?.pointee.key else { return Total() }
        if let known = totals[key] {
            guard level + known.levels <= policy.depth else {
                throw .treeRefused(path: "(deep)", problem: "directories are nested deeper than \(policy.depth) levels")
            }
            return known
        }
        let tree = try repository.openTree(id)
        defer { git_tree_free(tree) }
        let total = try total(of: tree, level: level)
        totals[key] = total
        return total
    }

    private mutating func size(of id: UnsafePointer<git_oid>?, _ name: [UInt8]) throws(GitError) -> Int {
        guard let key = id?.pointee.key else { return 0 }
        if let known = sizes[key] { return known }
        var length = 0
        var type = GIT_OBJECT_ANY
        let code = git_odb_read_header(&length, &type, database, id)
        guard code == 0 else { throw GitError.last(code, "git_odb_read_header") }
        guard type == GIT_OBJECT_BLOB else { throw refused(name, "its object is no file") }
        sizes[key] = length
        return length
    }

    private func checkName(_ name: [UInt8], atRoot: Bool) throws(GitError) {
        if let problem = TreeName.problem(name, atRoot: atRoot) { throw refused(name, problem) }
        guard name.count <= policy.nameLength else {
            throw refused(name, "the name is longer than \(policy.nameLength) bytes")
        }
    }

    private func checkLimits(_ total: Total, _ name: [UInt8]) throws(GitError) {
        guard total.entries <= policy.entries else {
            throw refused(name, "the tree has more than \(policy.entries.shownWithCommas) entries")
        }
        guard total.summary.bytes <= policy.bytes else {
            throw refused(name, "the tree has more than \(policy.bytes.shownAsBytes)")
        }
        guard total.longestPath <= policy.pathLength else {
            throw refused(name, "a path is longer than \(policy.pathLength) bytes")
        }
    }

    /// Links are looked at in place, since where one leads depends on its directory. Only subtrees with links are
    /// entered.
    func walkLinks(of tree: OpaquePointer, path: [UInt8], depth: Int, total: Total) throws(GitError) {
        guard total.summary.symlinks > 0 else { return }
        for index in 0..<git_tree_entrycount(tree) {
            guard let entry = git_tree_entry_byindex(tree, index), let id = git_tree_entry_id(entry) else { continue }
            let place = path + entryName(entry)
            switch git_tree_entry_filemode(entry) {
            case GIT_FILEMODE_LINK:
                guard !TreeName.escapes(target: try linkTarget(id), depth: depth) else {
                    throw refused(place, "the link is absolute or leaves the tree")
                }
            case GIT_FILEMODE_TREE:
                guard let inner = totals[id.pointee.key], inner.summary.symlinks > 0 else { continue }
                let subtree = try repository.openTree(id)
                defer { git_tree_free(subtree) }
                try walkLinks(of: subtree, path: place + [UInt8(ascii: "/")], depth: depth + 1, total: inner)
            default: continue
            }
        }
    }

    private func linkTarget(_ id: UnsafePointer<git_oid>) throws(GitError) -> [UInt8] {
        var blob: OpaquePointer?
        let code = git_blob_lookup(&blob, repository.handle, id)
        guard code == 0, let blob else { throw GitError.last(code, "git_blob_lookup") }
        defer { git_blob_free(blob) }
        // symlink(2) takes at most PATH_MAX bytes.
        guard git_blob_rawsize(blob) < 4096 else { return [] }
        return Array(UnsafeRawBufferPointer(start: git_blob_rawcontent(blob), count: Int(git_blob_rawsize(blob))))
    }

    private func refused(_ name: [UInt8], _ problem: String) -> GitError {
        .treeRefused(path: String(decoding: name, as: UTF8.self), problem: problem)
    }
}

/// A tree entry's name in its own bytes.
func entryName(_ entry: OpaquePointer) -> [UInt8] {
    guard let name = git_tree_entry_name(entry) else { return [] }
    var bytes: [UInt8] = []
    var next = name
    while next.pointee != 0 {
        bytes.append(UInt8(bitPattern: next.pointee))
        next += 1
    }
    return bytes
}
