import ReleaseModel
public import ReleaseStore

extension DeployFreeze {
    /// `by alice since 2026-11-23 10:31: the database moves`.
    public var shown: String {
        "by \(who.shown(limit: 30)) since \(Moment.shown(since)): \(why.shown(limit: 200))"
    }

    /// The option of a deploy that goes on nevertheless.
    public static let force = "force"

    /// Sees to it that deploys of an app are not stopped.
    ///
    /// - Parameter forcible: whether the command has a flag to go on nevertheless, for the hint.
    /// - Throws: `DeployError.frozen`.
    public static func check(_ app: AppLayout, forcible: Bool = false) throws {
        if let freeze = try of(app) { throw DeployError.frozen(app: app.name, freeze, forcible: forcible) }
    }
}
