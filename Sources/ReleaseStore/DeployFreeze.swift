import ReleaseModel
import SystemPackage

/// A stop that somebody has put on an app's deploys until it is taken away; `freeze.json`. It is for people: it holds
/// no lock, and nothing that runs already is ended by it.
public struct DeployFreeze: Codable, Sendable, Equatable {
    /// The ssh key's name or the local user.
    public let who: String
    /// Why, in their words, raw.
    public let why: String
    /// Since when, in seconds since 1970.
    public let since: Double

    /// A stop.
    public init(who: String, why: String, since: Double) {
        self.who = who
        self.why = why
        self.since = since
    }

    /// The stop on an app; nil where there is none.
    ///
    /// - Throws: `damaged` for one that cannot be read: it stops deploys as well.
    public static func of(_ app: AppLayout) throws(StoreError) -> DeployFreeze? {
        try JSONFile.read(Self.self, from: app.freeze)
    }

    /// Puts the stop on an app, in place of an older one.
    public func save(to app: AppLayout) throws(StoreError) { try JSONFile.write(self, to: app.freeze) }

    /// Takes the stop away; nothing happens where there is none.
    public static func remove(from app: AppLayout) throws(StoreError) { try DurableFile.remove(app.freeze) }
}
