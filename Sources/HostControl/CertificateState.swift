public import ReleaseModel

/// A domain and the certificate that is really served for it.
public struct CertificateState: Codable, Sendable, Equatable {
    /// The domain.
    public var domain: Domain
    /// Who vouches for it.
    public var issuer: String
    /// The names that it is for.
    public var names: [String]
    /// Until when it holds, in seconds since 1970.
    public var expires: Double
    /// How many whole days are left; less than 0 where it is over.
    public var daysLeft: Int
    /// What is to be said of it.
    public var state: State
    /// Whether what certbot renews for the app is served for it.
    public var isRenewed: Bool

    /// What is to be said of a certificate.
    public enum State: String, Codable, Sendable {
        /// It holds, for 20 days and more.
        case holds
        /// It holds for less than that.
        case ends = "ends soon"
        /// It is over.
        case expired
        /// It stands in until there is one.
        case placeholder
        /// It is not for the domain.
        case otherNames = "other names"
    }

    /// A state.
    public init(
        domain: Domain, issuer: String, names: [String], expires: Double, daysLeft: Int, state: State,
        isRenewed: Bool = false
    ) {
        self.domain = domain
        self.issuer = issuer
        self.names = names
        self.expires = expires
        self.daysLeft = daysLeft
        self.state = state
        self.isRenewed = isRenewed
    }

    /// The command by which an app gets another one.
    public func repair(for app: AppName) -> String {
        switch (state, isRenewed) {
        case (.placeholder, _), (.otherNames, true): "pmo-release cert issue \(app)"
        case (_, true): "pmo-release cert renew \(app)"
        case (_, false): "pmo-release cert install \(app), or cert issue \(app)"
        }
    }

    /// Whether a browser would take it if it knew its issuer.
    public var isWell: Bool { ![.expired, .otherNames].contains(state) }
}
