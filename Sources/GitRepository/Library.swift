import CLibgit2

/// libgit2 itself: started once for the process, and never stopped.
enum Library {
    /// Starts libgit2 with what this room relies on; every later call is free.
    static func start() throws(GitError) {
        try check(started, "git_libgit2_init")
    }

    private static let started: Int32 = {
        let code = git_libgit2_init()
        guard code > 0 else { return code }
        // The operator (root, perhaps) reads receivers of other users, each named by path and never searched for.
        _ = pmo_libgit2_set_switch(Int32(GIT_OPT_SET_OWNER_VALIDATION.rawValue), 0)
        // A reference that was reported as set survives a power cut.
        _ = pmo_libgit2_set_switch(Int32(GIT_OPT_ENABLE_FSYNC_GITDIR.rawValue), 1)
        // To hash an object anew at each read takes half of the time of an export. The receiver checks every object when
        // it is pushed (receive.fsckObjects), zlib's checksum guards each read, and git does not hash at a checkout either.
        _ = pmo_libgit2_set_switch(Int32(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION.rawValue), 0)
        // What a receiver does is decided by its own configuration, whoever runs it.
        let levels = [
            GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
        ]
        for level in levels {
            _ = pmo_libgit2_set_search_path(level.rawValue, "")
        }
        return code
    }()
}

/// In place of mbedTLS's own, which libgit2 calls when it starts, to read the 140 certificate authorities of the host
/// (`git_mbedtls_stream_global_init` in its `streams/mbedtls.c`): 5 ms in each process, for connections that nobody here
/// makes. A symbol of the program comes before one of a library (ld.so(8)), and before a weak one of an archive (tools/deb);
/// a libgit2 that has no mbedTLS calls nothing.
/// Without an authority a connection would be refused.
///
/// - Returns: 0, for “all were read”.
@_cdecl("mbedtls_x509_crt_parse_file")
public func readNoAuthorities(_ chain: UnsafeMutableRawPointer?, _ path: UnsafePointer<CChar>?) -> Int32 { 0 }

/// Passes a result of libgit2 on, or throws with the message that libgit2 keeps for this thread until its next call.
@discardableResult
func check(_ code: Int32, _ function: String) throws(GitError) -> Int32 {
    guard code < 0 else { return code }
    let message = git_error_last().flatMap { $0.pointee.message }.map { String(cString: $0) }
    throw .library(code: code, function: function, message: message ?? "no message")
}
