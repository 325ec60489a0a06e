import CLibgit2
import ReleaseModel

/// Judges a tree by the policy, without writing anything.
struct TreeInspector {
    /// Every pointer of Git LFS begins with this line (specification version 1).
    private static let lfsPrefix = Array("version https://git-lfs.github.com/spec/v1\n".utf8)
    /// The sizes that pointers have; only blobs of such a size are read.
    private static let lfsSizes = 100..<200
    /// From how many bytes on a blob is large.
    private static let largeSize = 4 << 20

    private let objects: ObjectReader
    private let policy: TreePolicy
    private var checked: Set<ObjectID> = []
    /// A loose object is opened and inflated for its size; half a million uses of one would take seconds.
    private var sizes: [ObjectID: Int] = [:]
    private(set) var large: Set<ObjectID> = []
    private(set) var submodules: Set<[UInt8]> = []
    private var path: [UInt8] = []
    var summary = TreeSummary()
    private let hollow: Set<ObjectID>

    init(_ objects: ObjectReader, _ policy: TreePolicy, hollow: Set<ObjectID>) {
        self.objects = objects
        self.policy = policy
        self.hollow = hollow
    }

    /// Counts first, so that the walk over every path has an end, then looks at names, kinds, links and sizes.
    static func inspect(
        _ root: ObjectID, _ objects: ObjectReader, _ policy: TreePolicy
    ) throws(GitError) -> InspectedTree {
        let (hollow, counted) = try TreeCounter.check(root, objects, policy)
        var inspector = TreeInspector(objects, policy, hollow: hollow)
        try inspector.visit(root, depth: 0)
        guard inspector.summary.files + inspector.summary.symlinks > 0 else {
            throw .refused(TreeRefusal(.empty, [], "has no files"))
        }
        return InspectedTree(
            summary: inspector.summary, counted: counted, root: root, hollow: hollow, large: inspector.large,
            submodules: inspector.submodules)
    }

    /// Judges an entry of a directory, with all below it.
    ///
    /// - Parameter directory: the path, with a slash at its end unless it is empty.
    mutating func see(_ entry: TreeEntry, in directory: [UInt8], depth: Int) throws(GitError) {
        path = directory
        try see(entry, depth: depth)
    }

    /// Judges the names of a tree, not what they stand for.
    mutating func checkNames(_ tree: ObjectID, at directory: [UInt8], depth: Int) throws(GitError) {
        path = directory
        if checked.insert(tree).inserted { try checkNames(tree, inRoot: depth == 0) }
    }

    private mutating func visit(_ tree: ObjectID, depth: Int) throws(GitError) {
        if checked.insert(tree).inserted { try checkNames(tree, inRoot: depth == 0) }
        try objects.withTree(tree) { (cursor) throws(GitError) in
            while let entry = try cursor.next() {
                try see(entry, depth: depth)
            }
        }
    }

    /// The names of a tree need to be read once, wherever the tree is used: only the root has a rule of its own, and no
    /// tree can hold itself.
    private func checkNames(_ tree: ObjectID, inRoot: Bool) throws(GitError) {
        try objects.withTree(tree) { (cursor) throws(GitError) in
            var names: Set<[UInt8]> = []
            while let entry = try cursor.next() {
                let name = Array(entry.name)
                if let (rule, problem) = NameRules.problem(entry.name, inRoot: inRoot) {
                    throw .refused(TreeRefusal(rule, path + name, problem))
                }
                guard names.insert(name).inserted else {
                    throw .refused(TreeRefusal(.duplicate, path + name, "is there twice"))
                }
            }
        }
    }

    private mutating func see(_ entry: TreeEntry, depth: Int) throws(GitError) {
        let end = path.count
        path.append(contentsOf: entry.name)
        defer { path.removeLast(path.count - end) }
        switch entry.kind {
        case .directory where hollow.contains(entry.id): break
        case .directory:
            summary.directories += 1
            path.append(UInt8(ascii: "/"))
            try visit(entry.id, depth: depth + 1)
        case .file, .executable: try seeFile(entry.id)
        case .link: try seeLink(entry.id, depth: depth)
        case .submodule where policy.submodules == .empty:
            summary.directories += 1
            submodules.insert(path)
        case .submodule: throw refusal(.submodule, "is a submodule, whose files are not part of the push")
        case .other: throw refusal(.mode, "is no file, directory or symlink (mode \(String(entry.mode, radix: 8)))")
        }
    }

    private mutating func seeFile(_ blob: ObjectID) throws(GitError) {
        let size = try self.size(of: blob)
        guard size <= policy.largestFile else {
            throw refusal(.size, "has \(size) bytes; \(policy.largestFile) are allowed")
        }
        summary.files += 1
        summary.bytes += size
        guard summary.bytes <= policy.bytes else {
            throw .refused(TreeRefusal(.size, [], "has more than \(policy.bytes) bytes"))
        }
        if Self.lfsSizes.contains(size), try objects.blob(blob, limit: Self.lfsPrefix.count) == Self.lfsPrefix {
            summary.lfsPointers += 1
        }
    }

    private mutating func seeLink(_ blob: ObjectID, depth: Int) throws(GitError) {
        let size = try self.size(of: blob)
        let target = size <= LinkRules.longest ? try objects.blob(blob, limit: size) : []
        if let problem = LinkRules.problem(target, depth: depth) { throw refusal(.link, problem) }
        summary.symlinks += 1
    }

    /// The size of the blob at the path, which an error then names.
    private mutating func size(of blob: ObjectID) throws(GitError) -> Int {
        if let size = sizes[blob] { return size }
        do throws(GitError) {
            let size = try objects.blobSize(blob)
            sizes[blob] = size
            if size >= Self.largeSize { large.insert(blob) }
            return size
        } catch .refused(let refusal) {
            throw .refused(TreeRefusal(refusal.rule, path, refusal.problem))
        }
    }

    private func refusal(_ rule: TreeRule, _ problem: String) -> GitError {
        .refused(TreeRefusal(rule, path, problem))
    }
}
