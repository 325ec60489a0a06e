import FoundationEssentials
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// What stood in a site's place, kept while the new one is not known to serve. Where a change was cut short, the old one
/// comes back: whoever asked for the new one was not told that it is there.
struct SiteUndo: Codable {
    /// The file that nginx reads; nil where there was none.
    var file: String?
    /// The record; nil where there was none.
    var record: String?

    private static func directory(_ control: SiteControl) -> FilePath {
        FilePath(control.settings.state).appending("undo")
    }

    private static func path(_ app: AppName, _ control: SiteControl) -> FilePath {
        directory(control).appending("\(app).json")
    }

    /// Keeps what is there.
    init(keeping app: AppName, _ control: SiteControl) throws {
        file = try control.text(control.file(app))
        record = try control.text(control.record(app))
        try DurableFile.write([UInt8](JSONEncoder().encode(self)), to: Self.path(app, control), mode: 0o600)
    }

    /// Puts it back.
    func restore(_ app: AppName, _ control: SiteControl) throws {
        for (text, path) in [(file, control.file(app)), (record, control.record(app))] {
            if let text { try control.write(text, to: path) } else { try DurableFile.remove(path) }
        }
        try Self.forget(app, control)
    }

    /// The new one serves: nothing is kept any more.
    static func forget(_ app: AppName, _ control: SiteControl) throws {
        try DurableFile.remove(path(app, control))
    }

    /// Puts back what killed changes have left.
    ///
    /// - Returns: whose.
    static func recover(_ control: SiteControl) throws -> [AppName] {
        var apps: [AppName] = []
        for name in try directory(control).namesInside() where name.hasSuffix(".json") {
            let path = directory(control).appending(name)
            guard let app = try? AppName(String(name.dropLast(5))), let bytes = try DurableFile.read(path) else {
                continue
            }
            try JSONDecoder().decode(SiteUndo.self, from: Data(bytes)).restore(app, control)
            apps.append(app)
        }
        return apps
    }
}
