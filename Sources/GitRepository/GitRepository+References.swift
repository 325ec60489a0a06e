import CLibgit2
public import ReleaseModel

extension GitRepository {
    /// The commit that a ref names.
    ///
    /// - Parameter reference: a full name, `refs/heads/main`.
    /// - Returns: nil where there is no such ref.
    public func commitID(of reference: String) throws(GitError) -> CommitID? {
        var id = git_oid()
        let code = git_reference_name_to_id(&id, handle, reference)
        guard code != GIT_ENOTFOUND.rawValue else { return nil }
        guard code == 0 else { throw GitError.last(code, "git_reference_name_to_id") }
        return CommitID(id)
    }

    /// Sets a ref, whatever it was.
    public func setReference(_ name: String, to id: CommitID) throws(GitError) {
        try requireWritable("git_reference_create")
        var oid = try id.oid
        var reference: OpaquePointer?
        let code = git_reference_create(&reference, handle, name, &oid, 1, "deploy")
        git_reference_free(reference)
        guard code == 0 else { throw GitError.last(code, "git_reference_create") }
    }

    /// Sets a ref if it still is what the caller saw.
    ///
    /// - Parameter old: what it must be; nil: it must not exist.
    public func setReference(_ name: String, to id: CommitID, expecting old: CommitID?) throws(GitError) {
        try requireWritable("git_reference_create_matching")
        var oid = try id.oid
        var reference: OpaquePointer?
        let code: Int32
        if let old {
            var expected = try old.oid
            code = git_reference_create_matching(&reference, handle, name, &oid, 1, &expected, "deploy")
        } else {
            code = git_reference_create(&reference, handle, name, &oid, 0, "deploy")
        }
        git_reference_free(reference)
        guard code == 0 else { throw GitError.last(code, "git_reference_create_matching") }
    }

    /// Removes a ref; one that is not there is as good as removed.
    public func deleteReference(_ name: String) throws(GitError) {
        try requireWritable("git_reference_remove")
        let code = git_reference_remove(handle, name)
        guard code == 0 || code == GIT_ENOTFOUND.rawValue else { throw GitError.last(code, "git_reference_remove") }
    }

    /// Whether one commit is the other or comes before it.
    public func isAncestor(_ first: CommitID, of second: CommitID) throws(GitError) -> Bool {
        guard first != second else { return true }
        var (ancestor, descendant) = (try first.oid, try second.oid)
        let code = git_graph_descendant_of(handle, &descendant, &ancestor)
        guard code >= 0 else { throw GitError.last(code, "git_graph_descendant_of") }
        return code == 1
    }
}

extension CommitID {
    init?(_ oid: git_oid) {
        guard let id = try? CommitID(oid.hexadecimal) else { return nil }
        self = id
    }

    var oid: git_oid {
        get throws(GitError) {
            var result = git_oid()
            let code = git_oid_fromstr(&result, text)
            guard code == 0 else { throw GitError.last(code, "git_oid_fromstr") }
            return result
        }
    }
}

extension git_oid {
    /// 40 hexadecimal digits.
    var hexadecimal: String {
        var copy = self
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 41) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            git_oid_tostr(start, 41, &copy)
            return String(cString: start)
        }
    }

    /// The 20 bytes, as a key.
    var key: ObjectKey { withUnsafeBytes(of: id) { ObjectKey(bytes: Array($0)) } }
}

/// An object's id as a dictionary's key.
struct ObjectKey: Hashable {
    let bytes: [UInt8]
}
