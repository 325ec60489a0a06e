public import ReleaseModel

/// How the host's nginx serves sites: TLS on one port, and on another one the way there. Paths are absolute.
public struct HostFront: Sendable, Equatable {
    /// The IP addresses on which it listens.
    public var addresses: [String]
    /// The port without TLS.
    public var httpPort: Int
    /// The port with TLS.
    public var httpsPort: Int
    /// The directory below which certificate authorities find `.well-known/acme-challenge`.
    public var challenges: String
    /// The directory with a directory for each domain, in which `pair.pem` holds the key and the certificates.
    public var certificates: String
    /// Whether HTTP/2 is a directive of its own (nginx 1.25.1 and later), not a word of `listen`.
    public var hasHTTP2Directive: Bool

    /// A front.
    public init(
        addresses: [String], httpPort: Int, httpsPort: Int, challenges: String, certificates: String,
        hasHTTP2Directive: Bool
    ) {
        self.addresses = addresses
        self.httpPort = httpPort
        self.httpsPort = httpsPort
        self.challenges = challenges
        self.certificates = certificates
        self.hasHTTP2Directive = hasHTTP2Directive
    }

    /// The file with a domain's key and certificates.
    public func certificate(_ domain: Domain) -> String { "\(certificates)/\(domain)/pair.pem" }

    /// `https://app.example.org`, with the port where it is not the usual one.
    public func origin(_ domain: Domain) -> String {
        "https://\(domain)\(httpsPort == 443 ? "" : ":\(httpsPort)")"
    }
}

extension HostFront {
    var httpListens: TemplateValue {
        get throws(TemplateError) { try listens(httpPort, "") }
    }
    var httpsListens: TemplateValue {
        get throws(TemplateError) { try listens(httpsPort, hasHTTP2Directive ? " ssl" : " ssl http2") }
    }

    private func listens(_ port: Int, _ rest: String) throws(TemplateError) -> TemplateValue {
        var listens: [[String: TemplateValue]] = []
        for address in addresses {
            listens.append(["address": .text(try SiteTemplates.listen(address, port) + rest)])
        }
        return .list(listens)
    }

    /// Mozilla's intermediate configuration, version 5.7 (ssl-config.mozilla.org), without the finite-field suites, which
    /// need parameters of their own.
    var settings: TemplateValue {
        let directives =
            (hasHTTP2Directive ? ["http2 on"] : []) + [
                "ssl_protocols TLSv1.2 TLSv1.3",
                "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                    + "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                    + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
                "ssl_prefer_server_ciphers off",
                "ssl_session_timeout 1d",
                "ssl_session_cache shared:pmo_release:10m",
                "ssl_session_tickets off",
            ]
        return .list(directives.map { ["directive": .text($0)] })
    }
}
