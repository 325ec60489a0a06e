import FoundationEssentials

/// What an app wants the host's nginx to serve, in values that the root helper checks and renders itself: `site.json`.
/// Each name is checked by its own type, places are relative to the app, and nothing in it is nginx's own language.
public struct SiteValues: Codable, Sendable, Equatable {
    /// More than this many bytes is no `site.json`.
    public static let longest = 256 << 10

    /// More domains than this, those that only lead to another one too, an app cannot have: each costs every process of
    /// nginx about 0.13 MB. A certificate of Let's Encrypt has at most 100 names.
    public static let mostDomains = 200

    /// The app.
    public var app: AppName
    /// The sites, each with its domain; 1 to 64.
    public var sites: [Site]
    /// The services that sites route to; at most 64.
    public var services: [SiteBackend]
    /// What services write of what the sites serve, below the app's `shared/`: no link there is followed. Nil for nothing,
    /// as in the values of older versions; at most 256.
    public var shared: [ReleasePath]?

    /// Checks what holds across the values.
    ///
    /// - Parameter shared: the app's shared paths, also those that no site serves.
    public init(
        app: AppName, sites: [Site], services: [SiteBackend], shared: [ReleasePath] = []
    ) throws(InvalidValue) {
        self.app = app
        self.sites = sites
        self.services = services
        let served = shared.filter { path in sites.contains { $0.root?.overlaps(path) ?? false } }
        self.shared = served.isEmpty ? nil : served
        try check()
    }

    /// Reads `site.json`, which must be byte for byte what `bytes` makes of the values in it: a key more, a key twice
    /// or another order is nothing that this program has written.
    public init(_ bytes: [UInt8]) throws(InvalidValue) {
        guard bytes.count <= Self.longest else {
            throw Self.refused("has \(bytes.count) bytes", "must have at most \(Self.longest)")
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch let error as InvalidValue {
            throw error
        } catch {
            throw Self.refused(String(decoding: bytes.prefix(60), as: UTF8.self), "is not a site's values in JSON")
        }
        try check()
        guard self.bytes == bytes else {
            throw Self.refused(
                String(decoding: bytes.prefix(60), as: UTF8.self), "is not as pmo-release writes a site's values")
        }
    }

    /// The one form in which the values are written: sorted keys, a line each.
    public var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Values of strings, numbers and lists alone always have a form.
        return ((try? encoder.encode(self)).map { [UInt8]($0) } ?? []) + [UInt8(ascii: "\n")]
    }

    /// Every domain that the sites answer to, those that only lead to another one too.
    public var domains: [Domain] { sites.flatMap { site in (site.domain.map { [$0] } ?? []) + site.redirectFrom } }

    /// Every TCP port that a slot of a service has.
    public var ports: Set<Int> { Set(services.flatMap { $0.ports.flatMap { $0 } }) }

    private func check() throws(InvalidValue) {
        guard (1...64).contains(sites.count), services.count <= 64 else {
            throw Self.refused("\(sites.count) sites, \(services.count) services", "must have 1 to 64 sites")
        }
        if let shared {
            guard (1...256).contains(shared.count), Set(shared).count == shared.count, !shared.contains(.root) else {
                throw Self.refused("\(shared.count) shared paths", "must be at most 256, each once and not the root")
            }
        }
        guard domains.count <= Self.mostDomains else {
            throw Self.refused("\(domains.count) domains", "must be at most \(Self.mostDomains)")
        }
        guard Set(domains).count == domains.count else {
            throw Self.refused(domains.map(\.text).joined(separator: " "), "must not name a domain twice")
        }
        let names = services.map(\.name)
        guard Set(names).count == names.count else {
            throw Self.refused(names.map(\.text).joined(separator: " "), "must not name a service twice")
        }
        let given = services.flatMap { $0.ports.flatMap { $0 } }
        guard Set(given).count == given.count else {
            throw Self.refused("\(given)", "must not give a port twice")
        }
        for service in services { try service.check() }
        for site in sites { try site.check(routedTo: Set(names)) }
    }

    static func refused(_ value: String, _ rule: String) -> InvalidValue { InvalidValue("site", value, rule) }
}

/// A service as sites route to it: in each of its three slots, the ports of its instances, or as many sockets.
public struct SiteBackend: Codable, Sendable, Equatable {
    /// The ports that instances listen on, below the ephemeral range (32768–60999, ip(7)).
    public static let portRange = 20000...29999

    /// Its name.
    public var name: ServiceName
    /// The ports of slots 1, 2 and 3, at most 64 each; none where it listens on sockets.
    public var ports: [[Int]]
    /// How many instances listen on sockets in each slot; 0 where they listen on ports.
    public var sockets: Int

    /// A service on ports.
    public init(name: ServiceName, ports: [[Int]]) {
        self.name = name
        self.ports = ports
        sockets = 0
    }

    /// A service on sockets.
    public init(name: ServiceName, sockets: Int) {
        self.name = name
        ports = []
        self.sockets = sockets
    }

    fileprivate func check() throws(InvalidValue) {
        let isOnPorts =
            ports.count == SlotNumber.allCases.count && sockets == 0
            && ports.allSatisfy { (1...64).contains($0.count) && $0.allSatisfy(Self.portRange.contains) }
        let isOnSockets = ports.isEmpty && (1...64).contains(sockets)
        guard isOnPorts || isOnSockets else {
            throw SiteValues.refused(
                name.text, "must have 1 to 64 ports in each slot, from \(Self.portRange), or 1 to 64 sockets")
        }
    }
}

extension Site {
    fileprivate func check(routedTo services: Set<ServiceName>) throws(InvalidValue) {
        guard let domain else { throw SiteValues.refused("", "must have a domain") }
        func refused(_ rule: String) -> InvalidValue { SiteValues.refused(domain.text, rule) }
        guard redirectFrom.count <= 64, routes.count <= 100 else { throw refused("has too many redirects or routes") }
        guard root != nil || !routes.isEmpty else { throw refused("needs a root or routes") }
        let prefixes = routes.map { $0.prefix.text.hasSuffix("/") ? $0.prefix.text : $0.prefix.text + "/" }
        guard Set(prefixes).count == prefixes.count else { throw refused("must not route a path twice") }
        if let unknown = routes.first(where: { !services.contains($0.service) }) {
            throw refused("routes to \(unknown.service), which does not listen")
        }
        let routesAll = prefixes.contains("/")
        guard root != nil || (!spa && immutable == nil), !(spa && routesAll) else {
            throw refused("cannot serve index.html for unknown paths, or files that never change, like this")
        }
        if let immutable, immutable == .root || !immutable.text.hasSuffix("/") || prefixes.contains(immutable.text) {
            throw refused("must have its files that never change in a folder that is no route, such as /assets/")
        }
        guard (1...3600).contains(limits.timeout.seconds) else { throw refused("must answer within 1s to 1h") }
    }
}
