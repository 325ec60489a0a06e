import Glibc
public import SystemPackage

/// What is left on the file system that a path is on.
public enum DiskSpace {
    /// What an ordinary user may still take: bytes, and files to make; `Int.max` where the file system counts none.
    ///
    /// - Throws: `system` where the path is not there.
    public static func available(at path: FilePath) throws(StoreError) -> (bytes: Int, inodes: Int) {
        var space = statvfs()
        try checked("look at", path) { path.withPlatformString { statvfs($0, &space) } }
        let inodes = space.f_files == 0 ? Int.max : Int(clamping: space.f_favail)
        let (bytes, overflow) = Int(clamping: space.f_bavail).multipliedReportingOverflow(by: Int(space.f_frsize))
        return (overflow ? .max : bytes, inodes)
    }
}
