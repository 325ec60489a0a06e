import Glibc
import HostControl
import ReleaseStore
import SystemPackage

/// The user that this process runs as.
public enum ProcessOwner {
    /// Whether it is root.
    public static var isRoot: Bool { geteuid() == 0 }

    /// This program's own file; where it was replaced meanwhile, the one that has its place now (proc(5)).
    public static var program: String {
        guard let path = FilePath("/proc/self/exe").linkTarget?.string else { return "pmo-release" }
        let gone = " (deleted)"
        return path.hasSuffix(gone) ? String(path.dropLast(gone.count)) : path
    }

    /// The user's name, or the number where the user has none.
    public static var name: String { LocalUser.name }
}
