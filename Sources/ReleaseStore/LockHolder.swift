public import ReleaseModel

/// Who holds an app's lock, and what for. It is for display; only the kernel knows who holds a lock.
public struct LockHolder: Codable, Sendable, Equatable {
    /// The ssh key's name or the local user.
    public let who: String
    /// The process.
    public let process: ProcessIdentity
    /// What it does: `deploy 118`, `switch`.
    public let what: String
    /// Since when, in seconds since 1970.
    public let since: Double

    /// A holder.
    public init(who: String, process: ProcessIdentity, what: String, since: Double) {
        self.who = who
        self.process = process
        self.what = what
        self.since = since
    }
}
