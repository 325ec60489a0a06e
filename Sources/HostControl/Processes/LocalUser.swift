import Glibc

/// The user that this process runs as.
public enum LocalUser {
    /// The user's name, or the number where the user has none.
    public static var name: String {
        guard let entry = getpwuid(geteuid()), let name = entry.pointee.pw_name else { return String(geteuid()) }
        return String(cString: name)
    }
}
