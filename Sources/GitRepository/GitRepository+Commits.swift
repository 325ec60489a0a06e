import CLibgit2
public import ReleaseModel

extension GitRepository {
    /// The one commit whose id begins like this, whether a reference leads to it or not. Other objects do not count.
    ///
    /// - Throws: `unknownCommit` or `ambiguousCommit`.
    public func resolve(_ prefix: CommitPrefix) throws(GitError) -> CommitID {
        let found = try objects.commits(ObjectPrefix(prefix.digits)).map(\.text).sorted()
        guard let first = found.first else { throw .unknownCommit(prefix.digits) }
        guard found.count == 1 else {
            throw .ambiguousCommit(prefix.digits, candidates: Self.shortened(Array(found.prefix(5))))
        }
        return try ObjectPrefix(first).id.commitID()
    }

    /// What a commit says about itself.
    public func commit(_ id: CommitID) throws(GitError) -> CommitSummary {
        try withCommit(id) { (commit) throws(GitError) in
            let author = git_commit_author(commit)?.pointee
            return CommitSummary(
                id: id, tree: ObjectID(git_commit_tree_id(commit).pointee).text,
                subject: Self.text(git_commit_summary(commit)), author: Self.text(author?.name),
                email: Self.text(author?.email), time: Double(git_commit_time(commit)))
        }
    }

    /// What `git describe --tags --always` says; nil where the commit cannot be read.
    public func describe(_ id: CommitID) -> String? {
        try? withCommit(id) { (commit) throws(GitError) in
            // Without a tag there is nothing to look for in the history; in a shallow clone the history may end early.
            guard hasTags, let text = try? describe(commit) else { return id.short }
            return text
        }
    }

    /// Whether one commit is the other or comes before it. Where a shallow clone was pushed, history ends where it ends.
    public func isAncestor(_ a: CommitID, of b: CommitID) throws(GitError) -> Bool {
        if a == b { return true }
        guard git_repository_is_shallow(handle) == 0 else { return try isReachable(a, from: b) }
        var ancestor = try ObjectID(a).raw
        var descendant = try ObjectID(b).raw
        if try isHidden(&ancestor, behind: &descendant) { return true }
        let result = git_graph_descendant_of(handle, &descendant, &ancestor)
        return try check(result, "git_graph_descendant_of") == 1
    }

    /// Whether a walk of what one commit adds to another finds nothing, which takes the commits between them alone, where
    /// `git_graph_descendant_of` reads the whole history. With times that run backwards it may find something all the same.
    private func isHidden(_ ancestor: inout git_oid, behind descendant: inout git_oid) throws(GitError) -> Bool {
        var walk: OpaquePointer?
        try check(git_revwalk_new(&walk, handle), "git_revwalk_new")
        defer { git_revwalk_free(walk) }
        try check(git_revwalk_push(walk, &ancestor), "git_revwalk_push")
        try check(git_revwalk_hide(walk, &descendant), "git_revwalk_hide")
        var found = git_oid()
        return git_revwalk_next(&found, walk) == GIT_ITEROVER.rawValue
    }

    /// Lends a commit for the time of the call.
    func withCommit<Result>(
        _ id: CommitID, _ body: (OpaquePointer) throws(GitError) -> Result
    ) throws(GitError) -> Result {
        var raw = try ObjectID(id).raw
        var commit: OpaquePointer?
        let code = git_commit_lookup(&commit, handle, &raw)
        guard code != GIT_ENOTFOUND.rawValue else { throw try missing(id) }
        try check(code, "git_commit_lookup")
        defer { git_commit_free(commit) }
        guard let commit else { throw .unknownCommit(id.text) }
        return try body(commit)
    }

    private func missing(_ id: CommitID) throws(GitError) -> GitError {
        guard let kind = try? objects.header(ObjectID(id)).kind, kind != GIT_OBJECT_COMMIT else {
            return .unknownCommit(id.text)
        }
        return .notACommit(id.text, kind: kind.name)
    }

    /// libgit2 does not know where a shallow history ends, and fails at the first parent that is not there.
    private func isReachable(_ wanted: CommitID, from start: CommitID) throws(GitError) -> Bool {
        let wanted = try ObjectID(wanted)
        var seen: Set<ObjectID> = []
        var pending = [try ObjectID(start)]
        while let id = pending.popLast() {
            if id == wanted { return true }
            guard seen.insert(id).inserted else { continue }
            pending.append(contentsOf: try parents(of: id))
        }
        return false
    }

    private func parents(of id: ObjectID) throws(GitError) -> [ObjectID] {
        var raw = id.raw
        var commit: OpaquePointer?
        let code = git_commit_lookup(&commit, handle, &raw)
        if code == GIT_ENOTFOUND.rawValue { return [] }
        try check(code, "git_commit_lookup")
        defer { git_commit_free(commit) }
        return (0..<git_commit_parentcount(commit)).compactMap { place in
            git_commit_parent_id(commit, place).map { ObjectID($0.pointee) }
        }
    }

    private var hasTags: Bool {
        var names = git_strarray()
        defer { git_strarray_dispose(&names) }
        return git_tag_list(&names, handle) == 0 && names.count > 0
    }

    private func describe(_ commit: OpaquePointer) throws(GitError) -> String {
        var options = git_describe_options()
        let version = UInt32(GIT_DESCRIBE_OPTIONS_VERSION)
        try check(git_describe_options_init(&options, version), "git_describe_options_init")
        options.describe_strategy = GIT_DESCRIBE_TAGS.rawValue
        options.show_commit_oid_as_fallback = 1
        var result: OpaquePointer?
        try check(git_describe_commit(&result, commit, &options), "git_describe_commit")
        defer { git_describe_result_free(result) }
        var text = git_buf()
        defer { git_buf_dispose(&text) }
        try check(git_describe_format(&text, result, nil), "git_describe_format")
        return Self.text(text.ptr)
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String {
        pointer.map { String(String(cString: $0).prefix(1000)) } ?? ""
    }

    /// Cut to the fewest digits that tell them apart, at least 7.
    private static func shortened(_ ids: [String]) -> [String] {
        let digits = (7...40).first { digits in Set(ids.map { $0.prefix(digits) }).count == ids.count }
        return ids.map { String($0.prefix(digits ?? 40)) }
    }
}
