public import SystemPackage

/// What keeps services running on a host.
public enum SupervisorKind: String, Codable, Sendable, CaseIterable {
    case runit, systemd
}

/// What the operator decided about a host; `.pmo/host.json`.
public struct HostSettings: Codable, Sendable, Equatable {
    /// Where nginx listens: `0.0.0.0`, or `127.0.0.1` for this machine only.
    public var listenAddress: String
    /// The port on which nginx listens.
    public var listenPort: Int
    /// What keeps services running.
    public var supervisor: SupervisorKind

    /// Settings of a new host.
    public init(listenAddress: String, listenPort: Int, supervisor: SupervisorKind) {
        self.listenAddress = listenAddress
        self.listenPort = listenPort
        self.supervisor = supervisor
    }

    /// The settings in a file.
    public static func load(from path: FilePath) throws(StoreError) -> HostSettings {
        try JSONFile.require(Self.self, from: path)
    }

    /// Writes the settings, whole or not at all.
    public func save(to path: FilePath) throws(StoreError) {
        try JSONFile.write(self, to: path)
    }
}
