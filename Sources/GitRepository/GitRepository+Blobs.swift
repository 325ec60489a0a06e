import CLibgit2
import ReleaseModel

extension GitRepository {
    /// The bytes of a blob.
    ///
    /// - Parameter id: 40 hexadecimal digits.
    public func blob(_ id: String) throws(GitError) -> [UInt8] {
        var raw = git_oid()
        try check(git_oid_fromstr(&raw, id), "git_oid_fromstr")
        return try objects.withObject(ObjectID(raw), GIT_OBJECT_BLOB) { Array($0) }
    }
}

extension ContentID {
    /// The id of a blob with these bytes, 40 hexadecimal digits.
    public static func of(_ bytes: UnsafeRawBufferPointer) throws(GitError) -> String {
        try Library.start()
        var raw = git_oid()
        try check(git_odb_hash(&raw, bytes.baseAddress, bytes.count, GIT_OBJECT_BLOB), "git_odb_hash")
        return ObjectID(raw).text
    }
}
