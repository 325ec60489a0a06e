import Glibc
import SystemPackage

/// The two Linux calls that Swift's Glibc module leaves out (they stand behind `_GNU_SOURCE`), looked up once in
/// the C library. Each answers as the call does: -1 and `errno`, `ENOSYS` where the library has none.
enum LinuxCalls {
    /// Fail when the new name exists (renameat2(2)).
    static let renameNoReplace: UInt32 = 1
    /// Exchange two names in one step; both must exist (renameat2(2)).
    static let renameExchange: UInt32 = 2

    /// Writes everything of the file system that the descriptor is on to its disk (syncfs(2)).
    static func syncFileSystem(_ descriptor: Int32) -> Int32 {
        guard let call = syncfs else { return unknown() }
        return call(descriptor)
    }

    /// rename(2) with flags, within one directory (renameat2(2)).
    static func rename(in directory: Int32, _ old: String, _ new: String, flags: UInt32) -> Int32 {
        guard let call = renameat2 else { return unknown() }
        return old.withCString { old in new.withCString { new in call(directory, old, directory, new, flags) } }
    }

    private typealias SyncFS = @convention(c) (Int32) -> Int32
    private typealias RenameAt2 =
        @convention(c) (
            Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
        ) -> Int32

    private static let syncfs = dlsym(nil, "syncfs").map { unsafeBitCast($0, to: SyncFS.self) }
    private static let renameat2 = dlsym(nil, "renameat2").map { unsafeBitCast($0, to: RenameAt2.self) }

    private static func unknown() -> Int32 {
        errno = ENOSYS
        return -1
    }
}

/// Makes a system call until no signal interrupts it.
///
/// - Throws: what it was for and `errno`, when it answers less than 0.
@discardableResult
func checked(_ action: String, _ path: @autoclosure () -> FilePath, _ call: () -> Int32) throws(StoreError) -> Int32 {
    while true {
        let result = call()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw .system(action: action, path: path(), code: code) }
    }
}
