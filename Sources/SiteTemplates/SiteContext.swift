public import ReleaseModel

/// What an app's part of nginx's configuration is written from. Paths are absolute.
public struct SiteContext: Sendable {
    /// The app.
    public var app: AppName
    /// The app's directory, in which `current` and `previous` stand.
    public var appRoot: String
    /// The sites, each with its domain.
    public var sites: [Site]
    /// The services that sites route to; others may be left out.
    public var services: [SiteService]
    /// The address on which the sites are served.
    public var listenAddress: String
    /// The port on which the sites are served.
    public var listenPort: Int
    /// Where `access.log` and `error.log` of the sites go.
    public var logDirectory: String
    /// What services write below the app's `shared/`; those that no site serves do nothing.
    public var shared: [ReleasePath]
    /// How the host's nginx serves them; nil for an nginx of our own, which has no TLS.
    public var front: HostFront?

    /// What an app's part is written from.
    public init(
        app: AppName, appRoot: String, sites: [Site], services: [SiteService], listenAddress: String, listenPort: Int,
        logDirectory: String, shared: [ReleasePath] = [], front: HostFront? = nil
    ) {
        self.app = app
        self.appRoot = appRoot
        self.sites = sites
        self.services = services
        self.listenAddress = listenAddress
        self.listenPort = listenPort
        self.logDirectory = logDirectory
        self.shared = shared
        self.front = front
    }
}

/// A service as nginx sees it: in each slot, the endpoints of all its instances.
public struct SiteService: Sendable {
    /// Its name.
    public var name: ServiceName
    /// Where its instances listen; a slot without endpoints is left out.
    public var slots: [SlotNumber: [Endpoint]]
    /// A service and its slots.
    public init(name: ServiceName, slots: [SlotNumber: [Endpoint]]) {
        self.name = name
        self.slots = slots
    }
}
