/// The directory of an ACME server (RFC 8555 §7.1.1): an `https` URL of letters, digits and `-._~/:`, at most 200 bytes.
public struct AcmeDirectory: ValidatedText {
    /// What an error calls it.
    public static let kind = "ACME server"
    /// The URL.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let rule = "must be an https URL such as https://acme-v02.api.letsencrypt.org/directory"
        try Self.check(text, length: 10...200) { byte, _ in
            byte.isLetter || byte.isDigit || "-._~/:".utf8.contains(byte)
        } orRule: {
            rule
        }
        guard text.hasPrefix("https://") else { throw InvalidValue(Self.kind, text, rule) }
        let rest = text.dropFirst(8)
        let parts = rest.prefix { $0 != "/" }.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (try? Domain(String(parts[0]))) != nil,
            parts.count == 1 || Int(parts[1]).map({ (1...65_535).contains($0) }) == true
        else { throw InvalidValue(Self.kind, text, rule) }
        self.text = text
    }
}

/// Where a certificate authority writes to: letters, digits and `._+-` before the `@`, a domain behind it.
public struct MailAddress: ValidatedText {
    /// What an error calls it.
    public static let kind = "mail address"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let rule = "must be an address such as admin@example.org"
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count), !parts[0].hasPrefix("-"),
            parts[0].utf8.allSatisfy({ $0.isLetter || $0.isDigit || "._+-".utf8.contains($0) }),
            (try? Domain(String(parts[1]))) != nil
        else { throw InvalidValue(Self.kind, text, rule) }
        self.text = text
    }
}

/// How a certificate is asked for.
public struct CertificateRequest: Sendable, Equatable {
    /// Which authority; nil for certbot's own choice, Let's Encrypt.
    public var server: AcmeDirectory?
    /// Where the authority writes to.
    public var mail: MailAddress?
    /// Whether to ask without a look at where the domains lead.
    public var skipsDNS: Bool

    /// A request.
    public init(server: AcmeDirectory? = nil, mail: MailAddress? = nil, skipsDNS: Bool = false) {
        self.server = server
        self.mail = mail
        self.skipsDNS = skipsDNS
    }

    /// The root helper's words for it.
    public var arguments: [String] {
        (server.map { ["--acme-url", $0.text] } ?? []) + (mail.map { ["--email", $0.text] } ?? [])
            + (skipsDNS ? ["--skip-dns"] : [])
    }

    /// Reads the root helper's words; nil where they are others, or one stands twice.
    public init?(arguments: some Collection<String>) throws(InvalidValue) {
        self.init()
        var rest = Array(arguments)
        while !rest.isEmpty {
            let word = rest.removeFirst()
            switch word {
            case "--skip-dns" where !skipsDNS: skipsDNS = true
            case "--acme-url" where server == nil && !rest.isEmpty: server = try AcmeDirectory(rest.removeFirst())
            case "--email" where mail == nil && !rest.isEmpty: mail = try MailAddress(rest.removeFirst())
            default: return nil
            }
        }
    }
}
