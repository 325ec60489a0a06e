extension SiteTemplates {
    /// What certbot runs after a renewal, from `templates/renewed`. Paths are absolute.
    ///
    /// - Parameters:
    ///   - program: the root helper.
    ///   - certificates: a directory for each domain with `pair.pem`.
    ///   - pid: the file with nginx's process number.
    /// - Throws: a path that no shell script can hold.
    public static func renewalHook(
        program: String, certificates: String, pid: String
    ) throws(TemplateError) -> String {
        try text(
            PackageResources.renewed, name: "templates/renewed",
            [
                "program": quoted(program, "the path"), "certificates": quoted(certificates, "the path"),
                "pid": quoted(pid, "the path"),
            ])
    }
}

/// What the part of the host's nginx that all apps share is written from. Paths are absolute.
public struct HostContext: Sendable {
    /// Where and how sites are served.
    public var front: HostFront
    /// The directory of the apps' sites, `*.conf`.
    public var sitesDirectory: String
    /// What the control server answers: letters, digits, `.`, `_` and `-`.
    public var generation: String
    /// Whether unknown hosts are ours to answer: nobody else's server is the default one.
    public var isDefault: (http: Bool, https: Bool)
    /// The directives of nginx's `http` block that nobody else has set.
    public var untuned: Set<Tuning>
    /// The file with the placeholder's key and certificate, for hosts that no site has.
    public var certificate: String

    /// Sizes of nginx's tables, which long names need larger than they are by themselves.
    public enum Tuning: String, CaseIterable, Sendable {
        case serverNamesBucket = "server_names_hash_bucket_size"
        case serverNames = "server_names_hash_max_size"
        case mapBucket = "map_hash_bucket_size"
        case variables = "variables_hash_max_size"
        case variablesBucket = "variables_hash_bucket_size"

        var directive: String {
            switch self {
            case .serverNames: "\(rawValue) 4096"
            case .variables: "\(rawValue) 8192"
            default: "\(rawValue) 512"
            }
        }
    }

    /// The server name by which the control server is asked for the generation.
    public static let control = "generation.pmo-release.invalid"

    /// A shared part.
    public init(
        front: HostFront, sitesDirectory: String, generation: String, isDefault: (http: Bool, https: Bool),
        untuned: Set<Tuning>, certificate: String
    ) {
        self.front = front
        self.sitesDirectory = sitesDirectory
        self.generation = generation
        self.isDefault = isDefault
        self.untuned = untuned
        self.certificate = certificate
    }
}

extension SiteTemplates {
    /// What all apps' sites share in the host's nginx, from `nginx/pmo-release.conf`.
    ///
    /// - Throws: a value that cannot be written into it.
    public static func host(_ context: HostContext) throws(TemplateError) -> String {
        let pattern = try context.sitesDirectory.checked(
            as: "the path", without: "*?[", rule: "must not hold “*”, “?” or “[”, which nginx would expand")
        return try text(
            PackageResources.pmo_release_conf, name: "nginx/pmo-release.conf",
            [
                "tuning": .list(
                    HostContext.Tuning.allCases.filter(context.untuned.contains).map {
                        ["directive": .text($0.directive)]
                    }),
                "httpListens": try context.front.httpListens, "listens": try context.front.httpsListens,
                "settings": context.front.settings,
                "control": .text(HostContext.control),
                "generation": .text("\"\(try word(context.generation, "generation"))\""),
                "httpDefault": mark(context.isDefault.http), "secureDefault": mark(context.isDefault.https),
                "httpUnknown": unknown(context.isDefault.http), "secureUnknown": unknown(context.isDefault.https),
                "certificate": .text(try context.certificate.nginxQuoted(as: "the path")),
                "sites": .text(try "\(pattern)/*.conf".nginxQuoted(as: "the path")),
            ])
    }

    private static func mark(_ isDefault: Bool) -> TemplateValue { .text(isDefault ? " default_server" : "") }

    /// What the server for unknown hosts is called: another's default has the name `_` itself.
    private static func unknown(_ isDefault: Bool) -> TemplateValue {
        .text(isDefault ? "_" : "unknown.pmo-release.invalid")
    }
}
