/// A domain that nginx serves.
public struct Site: Codable, Sendable, Equatable {
    /// The domain; nil stands for the app's own (`<app>.localhost` unless told otherwise at `create`).
    public var domain: Domain?
    /// Domains that answer with a redirect to this one.
    public var redirectFrom: [Domain]
    /// The directory of static files; nil where everything is routed.
    public var root: ReleasePath?
    /// Whether unknown paths serve `index.html`.
    public var spa: Bool
    /// Below which prefix files never change under one name: cached for a year, those of the previous release still served.
    public var immutable: URLPrefix?
    /// Which paths go to which service; the longest prefix wins.
    public var routes: [Route]
    /// How large a request's body may be; nil for 64 MiB.
    public var bodySize: ByteSize?
    /// How long a service may be silent, 1 s to 1 h; nil for 60 s.
    public var timeout: TimeLimit?
    /// Whether a request's body is read to its end before a service gets it; nil for true.
    public var requestBuffering: Bool?
    /// A site.
    public init(
        domain: Domain?, redirectFrom: [Domain] = [], root: ReleasePath? = nil, spa: Bool = false,
        immutable: URLPrefix? = nil, routes: [Route] = [], bodySize: ByteSize? = nil, timeout: TimeLimit? = nil,
        requestBuffering: Bool? = nil
    ) {
        self.domain = domain
        self.redirectFrom = redirectFrom
        self.root = root
        self.spa = spa
        self.immutable = immutable
        self.routes = routes
        self.bodySize = bodySize
        self.timeout = timeout
        self.requestBuffering = requestBuffering
    }

    /// What a request may take, with what holds where nothing is said.
    public var limits: (bodySize: ByteSize, timeout: TimeLimit, requestBuffering: Bool) {
        (bodySize ?? ByteSize(mebibytes: 64), timeout ?? TimeLimit(seconds: 60), requestBuffering ?? true)
    }
}

/// Requests below a prefix go to a service.
public struct Route: Codable, Sendable, Equatable {
    /// The prefix.
    public var prefix: URLPrefix
    /// The service.
    public var service: ServiceName
    /// A route.
    public init(prefix: URLPrefix, service: ServiceName) {
        self.prefix = prefix
        self.service = service
    }
}

/// A prefix of URL paths: starts with `/`; letters, digits and `-._~/`; no empty, `.` or `..` part; at most 200 bytes.
public struct URLPrefix: ValidatedText {
    /// What an error calls it.
    public static let kind = "URL prefix"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let rule = "must start with “/” and hold only letters, digits and “-._~/”"
        try Self.check(text, length: 1...200) { byte, first in
            first ? byte == UInt8(ascii: "/") : byte.isLetter || byte.isDigit || "-._~/".utf8.contains(byte)
        } orRule: {
            rule
        }
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated()
        where part == "." || part == ".." || (part.isEmpty && index < parts.count - 1) {
            throw InvalidValue(Self.kind, text, rule)
        }
        self.text = text
    }
}

extension URLPrefix {
    /// Every path: `/`.
    public static let root = URLPrefix()
    private init() { text = "/" }
}
