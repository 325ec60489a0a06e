import CLibgit2
public import SystemPackage

/// The id that git would give some bytes, as a hash that tells contents apart.
public enum ContentID {
    /// 40 hexadecimal digits.
    public static func of(_ bytes: [UInt8]) throws(GitError) -> String {
        try Library.start()
        var raw = git_oid()
        let code = bytes.withUnsafeBytes { git_odb_hash(&raw, $0.baseAddress, $0.count, GIT_OBJECT_BLOB) }
        try check(code, "git_odb_hash")
        return ObjectID(raw).text
    }

    /// The same of a file, which is read in pieces. A link is followed.
    public static func of(file path: FilePath) throws(GitError) -> String {
        try Library.start()
        var raw = git_oid()
        let code = path.withPlatformString { git_odb_hashfile(&raw, $0, GIT_OBJECT_BLOB) }
        try check(code, "git_odb_hashfile")
        return ObjectID(raw).text
    }
}
