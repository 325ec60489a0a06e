import CLibgit2
public import ReleaseModel

/// What a commit says of itself, raw.
public struct CommitSummary: Sendable, Equatable {
    /// Its id.
    public let id: CommitID
    /// Its tree's id, 40 hexadecimal digits.
    public let tree: String
    /// The first line of its message.
    public let subject: String
    /// Its author's name.
    public let author: String
    /// Its author's address.
    public let email: String
    /// When it was committed, seconds since 1970.
    public let time: Double
}

extension GitRepository {
    /// Reads a commit.
    ///
    /// - Throws: `GitError.unknownCommit` where the id is of no commit.
    public func commit(_ id: CommitID) throws(GitError) -> CommitSummary {
        let commit = try openCommit(id)
        defer { git_commit_free(commit) }
        let author = git_commit_author(commit)?.pointee
        return CommitSummary(
            id: id, tree: git_commit_tree_id(commit)?.pointee.hexadecimal ?? "",
            subject: git_commit_summary(commit).map { String(cString: $0) } ?? "",
            author: author?.name.map { String(cString: $0) } ?? "",
            email: author?.email.map { String(cString: $0) } ?? "", time: Double(git_commit_time(commit)))
    }

    /// The commit whose id begins with some digits; objects that no ref reaches count too.
    ///
    /// - Throws: `GitError.unknownCommit`, `GitError.ambiguousCommit` with up to five candidates.
    public func resolve(_ prefix: CommitPrefix) throws(GitError) -> CommitID {
        var search = PrefixSearch(digits: prefix.digits, handle: handle)
        if prefix.digits.count == 40 {
            guard let id = try? CommitID(prefix.digits), let commit = try? openCommit(id) else {
                throw .unknownCommit(prefix.digits)
            }
            git_commit_free(commit)
            return id
        }
        var database: OpaquePointer?
        let code = git_repository_odb(&database, handle)
        guard code == 0, let database else { throw GitError.last(code, "git_repository_odb") }
        defer { git_odb_free(database) }
        let status = withUnsafeMutablePointer(to: &search) { pointer in
            git_odb_foreach(
                database,
                { id, payload in
                    guard let id, let payload else { return 0 }
                    payload.assumingMemoryBound(to: PrefixSearch.self).pointee.saw(id.pointee)
                    return 0
                }, pointer)
        }
        guard status == 0 else { throw GitError.last(status, "git_odb_foreach") }
        guard let first = search.found.first else { throw .unknownCommit(prefix.digits) }
        guard search.found.count == 1 else {
            throw .ambiguousCommit(prefix.digits, candidates: search.found.sorted().prefix(5).map { String($0.text.prefix(12)) })
        }
        return first
    }

    /// `git describe --tags --always`: the nearest tag, how far it is, and the short id.
    public func describe(_ id: CommitID) -> String? {
        guard var oid = try? id.oid else { return nil }
        var object: OpaquePointer?
        guard git_object_lookup(&object, handle, &oid, GIT_OBJECT_COMMIT) == 0, let object else { return nil }
        defer { git_object_free(object) }
        var options = git_describe_options()
        git_describe_options_init(&options, UInt32(GIT_DESCRIBE_OPTIONS_VERSION))
        options.describe_strategy = UInt32(GIT_DESCRIBE_TAGS.rawValue)
        options.show_commit_oid_as_fallback = 1
        var result: OpaquePointer?
        guard git_describe_commit(&result, object, &options) == 0, let result else { return nil }
        defer { git_describe_result_free(result) }
        var buffer = git_buf()
        defer { git_buf_dispose(&buffer) }
        guard git_describe_format(&buffer, result, nil) == 0, let text = buffer.ptr else { return nil }
        return String(cString: text)
    }

    func openCommit(_ id: CommitID) throws(GitError) -> OpaquePointer {
        var oid = try id.oid
        var commit: OpaquePointer?
        let code = git_commit_lookup(&commit, handle, &oid)
        guard code == 0, let commit else {
            throw code == GIT_ENOTFOUND.rawValue ? .unknownCommit(id.short) : GitError.last(code, "git_commit_lookup")
        }
        return commit
    }
}

/// Collects the commits whose ids begin with some digits.
private struct PrefixSearch {
    let digits: String
    let handle: OpaquePointer
    var found: Set<CommitID> = []

    mutating func saw(_ id: git_oid) {
        // Five are shown; a few more are enough to know that there are more.
        guard found.count < 8, id.hexadecimal.hasPrefix(digits) else { return }
        var oid = id
        var commit: OpaquePointer?
        guard git_commit_lookup(&commit, handle, &oid) == 0 else { return }
        git_commit_free(commit)
        if let commit = CommitID(id) { found.insert(commit) }
    }
}
