import CLinux
import Glibc
import SystemPackage

/// The flags of renameat2(2).
enum RenameFlag {
    /// Fail when the new name exists.
    static let noReplace: UInt32 = 1
    /// Exchange two names in one step; both must exist.
    static let exchange: UInt32 = 2
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
