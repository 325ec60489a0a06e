public import SystemPackage

/// What keeps services running on a host.
public enum SupervisorKind: String, Codable, Sendable, CaseIterable {
    case runit, systemd
}

/// Which nginx serves the sites of a home.
public enum NginxKind: String, Codable, Sendable, CaseIterable {
    /// One of the home's own, run by its supervisor.
    case own
    /// The host's, changed through the root helper.
    case host
}

/// What the operator decided about a host; `.pmo/host.json`.
public struct HostSettings: Codable, Sendable, Equatable {
    /// Where nginx listens: `0.0.0.0`, or `127.0.0.1` for this machine only.
    public var listenAddress: String
    /// The port on which nginx listens.
    public var listenPort: Int
    /// What keeps services running.
    public var supervisor: SupervisorKind
    /// Which nginx serves the sites; nil for one of the home's own.
    public var nginx: NginxKind?
    /// `RootSettings` other than the host's, for a home whose user needs no sudo.
    public var rootSettings: String?

    /// Settings of a new host.
    public init(
        listenAddress: String, listenPort: Int, supervisor: SupervisorKind, nginx: NginxKind? = nil,
        rootSettings: String? = nil
    ) {
        self.listenAddress = listenAddress
        self.listenPort = listenPort
        self.supervisor = supervisor
        self.nginx = nginx
        self.rootSettings = rootSettings
    }

    /// Whether the host's nginx serves the sites.
    public var hasHostNginx: Bool { nginx == .host }

    /// The settings in a file.
    public static func load(from path: FilePath) throws(StoreError) -> HostSettings {
        try JSONFile.require(Self.self, from: path)
    }

    /// Writes the settings, whole or not at all.
    public func save(to path: FilePath) throws(StoreError) {
        try JSONFile.write(self, to: path)
    }
}
