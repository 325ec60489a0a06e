public import ReleaseModel
import SystemPackage

/// Which release is to be watched, or is: `bake.json` of an app, there from the switch to the end of the watch. One that
/// nobody works on belongs to a watch that was cut short. Whoever changes it holds the app's lock.
public struct BakeRecord: Codable, Sendable, Equatable {
    /// The deploy that made the release live.
    public var deploy: Int
    /// The release.
    public var release: ReleaseID

    /// A record.
    public init(deploy: Int, release: ReleaseID) {
        self.deploy = deploy
        self.release = release
    }

    /// The record of an app; nil where nothing is to be watched.
    public static func load(from app: AppLayout) throws(StoreError) -> BakeRecord? {
        try JSONFile.read(Self.self, from: path(app))
    }

    /// Writes the record, in place of an older one.
    public func save(to app: AppLayout) throws(StoreError) { try JSONFile.write(self, to: Self.path(app)) }

    /// Removes the record, unless a newer deploy has put its own there.
    public func remove(from app: AppLayout) throws(StoreError) {
        if try Self.load(from: app) == self { try DurableFile.remove(Self.path(app)) }
    }

    private static func path(_ app: AppLayout) -> FilePath { app.root.appending("bake.json") }
}
