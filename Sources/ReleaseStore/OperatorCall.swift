import SystemPackage

/// What only a person can put right: no release of the app serves well, and nothing more is tried. The next release that
/// goes live takes it back.
public struct OperatorCall: Codable, Sendable, Equatable {
    /// What happened, in one line.
    public var reason: String
    /// When, seconds since 1970.
    public var since: Double

    /// A call.
    public init(reason: String, since: Double) {
        self.reason = reason
        self.since = since
    }

    /// The call that an app has; nil where it has none.
    public static func load(from app: AppLayout) throws(StoreError) -> OperatorCall? {
        try JSONFile.read(Self.self, from: path(app))
    }

    /// Makes the call.
    public func save(to app: AppLayout) throws(StoreError) { try JSONFile.write(self, to: Self.path(app)) }

    /// Takes it back.
    public static func clear(_ app: AppLayout) throws(StoreError) { try DurableFile.remove(path(app)) }

    private static func path(_ app: AppLayout) -> FilePath { app.root.appending("needs-operator.json") }
}
