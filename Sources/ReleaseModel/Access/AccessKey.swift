/// An ssh key that may work on this host, and what it may do.
public struct AccessKey: Codable, Sendable, Equatable {
    /// By which the ledger knows its owner.
    public var name: KeyName
    /// The key itself.
    public var key: PublicKey
    /// The apps it is for; empty where it is for all, also for those to come.
    public var apps: [AppName]
    /// What it may do.
    public var can: [KeyRight]
    /// From when on it does nothing any more, in seconds since 1970; nil where it stays.
    public var expires: Double?
    /// When it was added, in seconds since 1970.
    public var added: Double
    /// Who added it.
    public var addedBy: String

    /// A key.
    public init(
        name: KeyName, key: PublicKey, apps: [AppName] = [], can: [KeyRight], expires: Double? = nil, added: Double,
        addedBy: String
    ) {
        self.name = name
        self.key = key
        self.apps = apps
        self.can = can
        self.expires = expires
        self.added = added
        self.addedBy = addedBy
    }

    /// Whether it does nothing any more.
    ///
    /// - Parameter now: seconds since 1970.
    public func isExpired(at now: Double) -> Bool { expires.map { $0 <= now } ?? false }

    /// Whether an app is one of its.
    public func isFor(_ app: AppName) -> Bool { apps.isEmpty || apps.contains(app) }
}
