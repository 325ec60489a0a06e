import FoundationEssentials
public import HostControl
public import ReleaseModel
import SwiftASN1
import X509

/// What a certificate says: for which names, by whom, until when.
public struct HostCertificate: Sendable, Equatable {
    /// The issuer's common name, else its organization, else its whole name.
    public let issuer: String
    /// The DNS names that it is for.
    public let names: [String]
    /// From when it holds, in seconds since 1970.
    public let begins: Double
    /// Until when it holds, in seconds since 1970.
    public let ends: Double

    /// Reads a certificate in PEM; of several, the first.
    ///
    /// - Throws: `CertificateError.unreadable`.
    public init(pem: String) throws(CertificateError) {
        do {
            guard let first = try PEMDocument.parseMultiple(pemString: pem).first else {
                throw CertificateError.unreadable("certificate", "it holds none")
            }
            try self.init(Certificate(pemDocument: first))
        } catch let error as CertificateError {
            throw error
        } catch {
            throw .unreadable("certificate", "\(error)")
        }
    }

    init(_ certificate: Certificate) throws {
        issuer = Self.shown(certificate.issuer)
        names = (try certificate.extensions.subjectAlternativeNames ?? SubjectAlternativeNames([])).compactMap { name in
            if case .dnsName(let text) = name { text.lowercased() } else { nil }
        }
        begins = certificate.notValidBefore.timeIntervalSince1970
        ends = certificate.notValidAfter.timeIntervalSince1970
    }

    /// Whether it is for a domain: by its name, or by `*` in place of its first label (RFC 6125 §6.4.3).
    public func covers(_ domain: Domain) -> Bool {
        names.contains { name in
            guard name.hasPrefix("*.") else { return name == domain.text }
            guard let dot = domain.text.firstIndex(of: ".") else { return false }
            return domain.text[dot...] == name.dropFirst()
        }
    }

    /// Whether it is one of those that stand in until there is a real one.
    public var isPlaceholder: Bool { issuer == Placeholder.issuer }

    /// How many whole days are left; less than 0 where it is over.
    public func daysLeft(at now: Double) -> Int { Int(((ends - now) / 86_400).rounded(.down)) }

    /// What is to be said of it where it is served for a domain.
    public func state(for domain: Domain, at now: Double) -> CertificateState {
        let state: CertificateState.State =
            if !covers(domain) {
                .otherNames
            } else if ends <= now {
                .expired
            } else if isPlaceholder {
                .placeholder
            } else {
                daysLeft(at: now) < 20 ? .ends : .holds
            }
        return CertificateState(
            domain: domain, issuer: issuer, names: names, expires: ends, daysLeft: daysLeft(at: now), state: state)
    }

    private static func shown(_ name: DistinguishedName) -> String {
        let attributes = name.flatMap { Array($0) }
        for type in [
            ASN1ObjectIdentifier.RDNAttributeType.commonName, ASN1ObjectIdentifier.RDNAttributeType.organizationName,
        ] {
            if let value = attributes.first(where: { $0.type == type })?.value { return "\(value)" }
        }
        return "\(name)"
    }
}

/// Why a certificate cannot be used.
public enum CertificateError: HintedError, Equatable {
    /// What cannot be read, and why.
    case unreadable(String, String)
    /// The key is not the certificate's.
    case otherKey
    /// The subject of one that vouches for none of the others.
    case unrelated(String)
    /// A domain that the certificate is not for, and those that it is for.
    case notFor(Domain, names: [String])
    /// It is over, since so many days.
    case expired(days: Int)
    /// It does not hold yet.
    case notYet

    /// One sentence, lower case.
    public var description: String {
        switch self {
        case .unreadable(let what, let problem): "the \(what) cannot be read: \(problem.shown(limit: 200))"
        case .otherKey: "the key is not the certificate's"
        case .unrelated(let subject): "the certificate of “\(subject.shown(limit: 200))” vouches for none of the others"
        case .notFor(let domain, let names):
            "the certificate is not for \(domain), but for \(names.isEmpty ? "no domain" : names.joined(separator: ", ").shown(limit: 300))"
        case .expired(let days): "the certificate expired \(days == 1 ? "a day" : "\(days) days") ago"
        case .notYet: "the certificate does not hold yet"
        }
    }

    /// What helps.
    public var hint: String? {
        switch self {
        case .unreadable: "give PEM: -----BEGIN CERTIFICATE-----, and a private key without a passphrase"
        case .otherKey: "openssl x509 -in CERT -noout -pubkey; openssl pkey -in KEY -pubout"
        case .unrelated: "give the authority's fullchain file: the certificate, and those that vouch for it"
        case .notFor: "--domain NAME for one of the app's domains, or another certificate"
        case .expired: "pmo-release cert issue"
        case .notYet: "date"
        }
    }

    /// A refusal: nothing was changed.
    public var outcome: ErrorOutcome { .refused }
}
