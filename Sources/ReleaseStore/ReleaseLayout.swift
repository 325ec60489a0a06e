public import ReleaseModel
public import SystemPackage

/// Where everything of a release is: the pushed tree, built, and `.pmo` inside it, which is ours. A partial has the
/// same layout.
public struct ReleaseLayout: Sendable, Hashable {
    /// `releases/<id>`, or the partial that becomes it.
    public let root: FilePath

    /// The layout of a release or partial at a path.
    public init(root: FilePath) { self.root = root }

    /// `.pmo`: what is ours.
    public var `private`: FilePath { root.appending(".pmo") }
    /// `ReleaseInformation`; a directory without it is no release.
    public var information: FilePath { `private`.appending("release.json") }
    /// The manifest that it was built by.
    public var manifest: FilePath { `private`.appending("manifest.json") }
    /// Path, mode, size and blob of every exported file.
    public var index: FilePath { `private`.appending("index") }
    /// The environment of its services as sh exports, mode 0600.
    public var environment: FilePath { `private`.appending("env") }
    /// The nginx site as rendered for it.
    public var site: FilePath { `private`.appending("site.conf") }
    /// What the host's nginx is to serve for it (`SiteValues`); empty where it has no site.
    public var siteValues: FilePath { `private`.appending("site.json") }
    /// The scripts that run its services, a directory each.
    public var units: FilePath { `private`.appending("units") }
    /// The script by which its services see releases read-only; a release that has none was not sealed, and its files are
    /// never given to another.
    public var seal: FilePath { `private`.appending("seal") }
    /// A link for each service to the slot that it runs in.
    public var upstream: FilePath { `private`.appending("upstream") }
    /// The scripts that run a service.
    public func unit(_ service: ServiceName) -> FilePath { units.appending(service.text) }
    /// The link to the slot that a service runs in.
    public func upstream(_ service: ServiceName) -> FilePath { upstream.appending(service.text) }

    /// From which release the processes of a service were carried over, relative to `.pmo`.
    static func carried(_ service: ServiceName) -> FilePath { FilePath("carried").appending(service.text) }
    /// What the processes of a service come from, hashed, relative to `.pmo`; for services that are restarted only when
    /// it changed.
    public static func key(of service: ServiceName) -> FilePath { FilePath("keys").appending(service.text) }

    var served: FilePath { `private`.appending("served") }
    var bad: FilePath { `private`.appending("bad") }
    var size: FilePath { `private`.appending("size") }

    /// Whether it is a release: a real directory with a real `.pmo/release.json`.
    public var isComplete: Bool { root.isRealDirectory && `private`.isRealDirectory && information.isRegularFile }

    /// Writes a file below `.pmo`, its directories too, without following a link: a build may have put one there.
    ///
    /// - Parameter path: relative to `.pmo`, such as `units/api/run`.
    /// - Parameter durable: whether to wait for the disk; not needed in a partial, which is synced as a whole.
    public func write(
        _ bytes: [UInt8], to path: FilePath, mode: CInterop.Mode = 0o644, durable: Bool = false
    ) throws(StoreError) {
        var directory = try Directory(opening: root, following: false)
        directory = try Directory(opening: ".pmo", in: directory)
        for part in path.removingLastComponent().components {
            let name = FilePath(root: nil, [part])
            _ = try directory.makeDirectory(name)
            directory = try Directory(opening: name, in: directory)
        }
        try directory.write(bytes, to: path.lastComponent?.string ?? "", mode: mode, durable: durable)
    }

    /// Writes a value as JSON below `.pmo`, as `write` does.
    public func write(json value: some Encodable, to path: FilePath, durable: Bool = false) throws(StoreError) {
        try write(JSONFile.bytes(value, for: `private`.pushing(path)), to: path, durable: durable)
    }
}
