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

extension LockHolder {
    /// `deploy 118 of alice, for 12 s`.
    public var shown: String {
        "\(what.shown(limit: 60)) of \(who.shown(limit: 30)), for \(max(0, currentTime() - since).shown(decimals: 0)) s"
    }
}
