/// What nginx's own configuration is written from. Paths are absolute.
public struct NginxContext: Sendable {
    /// Where nginx keeps its logs and temporary files: `logs/` and `tmp/` in it.
    public var directory: String
    /// The user of the workers; only where nginx is started by root.
    public var user: String?
    /// The address on which unknown hosts are told so.
    public var listenAddress: String
    /// The port on which unknown hosts are told so.
    public var listenPort: Int
    /// What the control server answers: letters, digits, `.`, `_` and `-`.
    public var generation: String
    /// The directory of the apps' sites, `*.conf`.
    public var sitesDirectory: String
    /// The unix socket of the control server.
    public var controlSocket: String
    /// Where nginx writes its process's number.
    public var pidFile: String

    /// A configuration.
    public init(
        directory: String, user: String? = nil, listenAddress: String, listenPort: Int, generation: String,
        sitesDirectory: String, controlSocket: String, pidFile: String
    ) {
        self.directory = directory
        self.user = user
        self.listenAddress = listenAddress
        self.listenPort = listenPort
        self.generation = generation
        self.sitesDirectory = sitesDirectory
        self.controlSocket = controlSocket
        self.pidFile = pidFile
    }
}

extension SiteTemplates {
    /// The configuration of an nginx of our own, from `nginx/nginx.conf`.
    ///
    /// - Throws: a value that cannot be written into it.
    public static func nginx(_ context: NginxContext) throws(TemplateError) -> String {
        func path(_ name: String) throws(TemplateError) -> TemplateValue {
            .text(try "\(context.directory)/\(name)".nginxQuoted(as: "the path"))
        }
        let pattern = try context.sitesDirectory.checked(
            as: "the path", without: "*?[", rule: "must not hold “*”, “?” or “[”, which nginx would expand")
        let values: [String: TemplateValue] = [
            "user": context.user == nil ? .flag(false) : .list([["user": .text(try word(context.user ?? "", "user"))]]),
            "pidFile": .text(try context.pidFile.nginxQuoted(as: "the path")),
            "errorLog": try path("logs/error.log"),
            "bodyTemp": try path("tmp/body"), "proxyTemp": try path("tmp/proxy"),
            "fastcgiTemp": try path("tmp/fastcgi"),
            "uwsgiTemp": try path("tmp/uwsgi"), "scgiTemp": try path("tmp/scgi"),
            "listen": .text(try listen(context.listenAddress, context.listenPort)),
            "control": .text(try "unix:\(context.controlSocket)".nginxQuoted(as: "the socket")),
            "generation": .text("\"\(try word(context.generation, "generation"))\""),
            "sites": .text(try "\(pattern)/*.conf".nginxQuoted(as: "the path")),
        ]
        return try text(PackageResources.nginx_conf, name: "nginx/nginx.conf", values)
    }

    /// A word of letters, digits, `.`, `_` and `-`, which needs no quotes anywhere.
    static func word(_ text: String, _ what: String) throws(TemplateError) -> String {
        let isWord = text.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                || "._-".unicodeScalars.contains(scalar)
        }
        guard isWord, (1...128).contains(text.utf8.count), !text.hasPrefix("-") else {
            throw .unfit(what: "the \(what)", value: text, rule: "must be letters, digits, “.”, “_” and “-”")
        }
        return text
    }

    /// What `listen` takes: an IPv4 address or, in brackets, an IPv6 address, and a port.
    static func listen(_ address: String, _ port: Int) throws(TemplateError) -> String {
        let isAddress = address.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isASCIIHexDigit || $0 == "." || $0 == ":")
        }
        guard isAddress, (2...45).contains(address.utf8.count) else {
            throw .unfit(what: "the address", value: address, rule: "must be an IP address such as 127.0.0.1")
        }
        guard (1...65_535).contains(port) else {
            throw .unfit(what: "the port", value: String(port), rule: "must be from 1 to 65535")
        }
        return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}
