import CLibgit2
import Glibc
public import ReleaseModel

extension GitRepository {
    /// Where a reference leads, by its full name (`refs/heads/main`, `HEAD`); a tag is followed to its commit.
    ///
    /// - Returns: nil where there is no such reference, or no commit on its branch yet.
    public func commitID(of reference: String) throws(GitError) -> CommitID? {
        var found: OpaquePointer?
        let code = git_reference_lookup(&found, handle, reference)
        if code == GIT_ENOTFOUND.rawValue { return nil }
        try check(code, "git_reference_lookup")
        defer { git_reference_free(found) }
        var commit: OpaquePointer?
        let peeled = git_reference_peel(&commit, found, GIT_OBJECT_COMMIT)
        if peeled == GIT_ENOTFOUND.rawValue, git_reference_type(found) == GIT_REFERENCE_SYMBOLIC { return nil }
        try check(peeled, "git_reference_peel")
        defer { git_object_free(commit) }
        return try ObjectID(git_object_id(commit).pointee).commitID()
    }

    /// Moves a reference, if it is where it is expected.
    ///
    /// - Parameter old: where it is expected; nil means that there is no such reference yet.
    /// - Throws: `referenceMoved` where it is elsewhere.
    public func setReference(_ name: String, to id: CommitID, expecting old: CommitID?) throws(GitError) {
        // Zeros stand for a reference that is not there: compared like any other value, under the reference's lock.
        let expected = try old.map { (id) throws(GitError) in try ObjectID(id) } ?? ObjectID()
        let code = try write(name, try ObjectID(id), force: old != nil, expected: expected)
        switch git_error_code(code) {
        case GIT_EMODIFIED, GIT_EEXISTS, GIT_ENOTFOUND:
            let found = try commitID(of: name)
            guard found == old else { throw .referenceMoved(name, expected: old, found: found) }
            try check(code, "git_reference_create_matching")
        default:
            try check(code, "git_reference_create_matching")
        }
    }

    /// Points a reference at a commit, wherever it was.
    public func setReference(_ name: String, to id: CommitID) throws(GitError) {
        let code = try write(name, try ObjectID(id), force: true, expected: nil)
        try check(code, "git_reference_create_matching")
    }

    /// Deletes a reference; nothing happens where there is none.
    public func deleteReference(_ name: String) throws(GitError) {
        try refuseQuarantine(name)
        let code = retryingLock(of: name) { git_reference_remove(handle, name) }
        if code == GIT_ENOTFOUND.rawValue { return }
        try check(code, "git_reference_remove")
    }

    private func write(
        _ name: String, _ id: ObjectID, force: Bool, expected: ObjectID?
    ) throws(GitError) -> Int32 {
        try refuseQuarantine(name)
        // The log needs a name; the user's configuration may have none.
        try check(git_repository_set_ident(handle, "pmo-release", "pmo-release@localhost"), "git_repository_set_ident")
        var target = id.raw
        var old = (expected ?? ObjectID()).raw
        return withUnsafePointer(to: &old) { old in
            retryingLock(of: name) {
                var made: OpaquePointer?
                defer { git_reference_free(made) }
                return git_reference_create_matching(
                    &made, handle, name, &target, force ? 1 : 0, expected == nil ? nil : old, "pmo-release: deploy")
            }
        }
    }

    /// Another process holds a reference's lock for a moment only; git waits for it as well (`core.filesRefLockTimeout`).
    /// Waits a second for whoever has locked the reference. That takes milliseconds, so a lock file that stays the same
    /// for so long belongs to a process that was killed, and would stop every later push: it is removed.
    private func retryingLock(of name: String, _ call: () -> Int32) -> Int32 {
        let file = String(cString: git_repository_path(handle)) + name + ".lock"
        var first: LockFile?
        for _ in 0..<50 {
            let code = call()
            guard code == GIT_ELOCKED.rawValue else { return code }
            if first == nil { first = LockFile(file) }
            usleep(20_000)
        }
        if let first, LockFile(file) == first { unlink(file) }
        return call()
    }

    private struct LockFile: Equatable {
        let inode: ino_t
        let seconds: Int
        let nanoseconds: Int

        init?(_ path: String) {
            var status = stat()
            guard lstat(path, &status) == 0 else { return nil }
            inode = status.st_ino
            seconds = status.st_ctim.tv_sec
            nanoseconds = status.st_ctim.tv_nsec
        }
    }

    private func refuseQuarantine(_ name: String) throws(GitError) {
        guard isQuarantined else { return }
        throw .library(
            code: GIT_EUSER.rawValue, function: "setReference",
            message: "\(name) cannot change while a push is in quarantine")
    }
}
