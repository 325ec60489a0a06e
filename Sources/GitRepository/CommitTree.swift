import CLibgit2
public import ReleaseModel

/// The tree of a commit, to be asked for single files.
public final class CommitTree: SourceTree {
    /// How much of a file `contents` reads: 1 MiB.
    public static let contentsLimit = 1 << 20

    private let repository: GitRepository
    private let tree: OpaquePointer

    init(_ tree: OpaquePointer, of repository: GitRepository) {
        self.tree = tree
        self.repository = repository
    }

    deinit { git_tree_free(tree) }

    /// Whether the tree has a file, link or directory at a path.
    public func exists(_ path: String) -> Bool {
        guard path != "." else { return true }
        var entry: OpaquePointer?
        guard git_tree_entry_bypath(&entry, tree, path) == 0 else { return false }
        git_tree_entry_free(entry)
        return true
    }

    /// The first MiB of the file at a path; nil where there is no file.
    public func contents(_ path: String) -> [UInt8]? {
        var entry: OpaquePointer?
        guard git_tree_entry_bypath(&entry, tree, path) == 0, let entry else { return nil }
        defer { git_tree_entry_free(entry) }
        guard git_tree_entry_filemode(entry) != GIT_FILEMODE_LINK else { return nil }
        var blob: OpaquePointer?
        guard git_blob_lookup(&blob, repository.handle, git_tree_entry_id(entry)) == 0, let blob else { return nil }
        defer { git_blob_free(blob) }
        let size = min(Int(git_blob_rawsize(blob)), Self.contentsLimit)
        return Array(UnsafeRawBufferPointer(start: git_blob_rawcontent(blob), count: size))
    }

    /// The names in the root, in the tree's order.
    public func rootNames() -> [String] {
        (0..<git_tree_entrycount(tree)).compactMap { index in
            git_tree_entry_byindex(tree, index).flatMap(git_tree_entry_name).map { String(cString: $0) }
        }
    }
}

extension GitRepository {
    /// The tree of a commit.
    public func tree(of id: CommitID) throws(GitError) -> CommitTree {
        CommitTree(try openTree(of: id), of: self)
    }

    func openTree(of id: CommitID) throws(GitError) -> OpaquePointer {
        let commit = try openCommit(id)
        defer { git_commit_free(commit) }
        var tree: OpaquePointer?
        let code = git_commit_tree(&tree, commit)
        guard code == 0, let tree else { throw GitError.last(code, "git_commit_tree") }
        return tree
    }

    func openTree(_ id: UnsafePointer<git_oid>?) throws(GitError) -> OpaquePointer {
        var tree: OpaquePointer?
        let code = git_tree_lookup(&tree, handle, id)
        guard code == 0, let tree else { throw GitError.last(code, "git_tree_lookup") }
        return tree
    }
}
