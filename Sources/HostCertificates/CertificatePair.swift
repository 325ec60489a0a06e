import FoundationEssentials
public import ReleaseModel
import SwiftASN1
import X509

/// A certificate with those that vouch for it, and its key: read, compared, and written anew.
public struct CertificatePair: Sendable {
    /// More bytes than this hold no certificates and key.
    public static let longest = 128 << 10

    /// What the certificate says.
    public let certificate: HostCertificate
    /// The key and the certificates in one file of PEM, as nginx reads it.
    public let text: String

    /// Reads certificates and a key in PEM, in any order; the first certificate is the server's own.
    ///
    /// - Throws: what cannot be read, or a key that is another one's.
    public init(pem: String) throws(CertificateError) {
        guard pem.utf8.count <= Self.longest else { throw .unreadable("certificate", "it is too long") }
        let documents: [PEMDocument]
        do { documents = try PEMDocument.parseMultiple(pemString: pem) } catch {
            throw .unreadable("certificate", "\(error)")
        }
        let (chain, leaf) = try Self.chain(documents.filter { $0.discriminator == "CERTIFICATE" })
        // `EC PARAMETERS` may stand before the key.
        let keys = documents.filter { $0.discriminator.hasSuffix("PRIVATE KEY") }
        guard let document = keys.first, keys.count == 1 else {
            throw .unreadable("key", keys.isEmpty ? "there is none" : "there are several")
        }
        let key: Certificate.PrivateKey
        do { key = try Certificate.PrivateKey(pemDocument: document) } catch { throw .unreadable("key", "\(error)") }
        guard let own = chain.first, key.publicKey == own.publicKey else { throw .otherKey }
        certificate = leaf
        do {
            text = try ([key.serializeAsPEM()] + chain.map { try $0.serializeAsPEM() }).map { $0.pemString + "\n" }
                .joined()
        } catch {
            throw .unreadable("key", "\(error)")
        }
    }

    private static func chain(
        _ documents: [PEMDocument]
    ) throws(CertificateError) -> ([Certificate], HostCertificate) {
        guard (1...10).contains(documents.count) else {
            throw .unreadable("certificate", documents.isEmpty ? "it holds none" : "it holds more than 10")
        }
        do {
            let chain = try documents.map { try Certificate(pemDocument: $0) }
            return (chain, try HostCertificate(chain[0]))
        } catch {
            throw .unreadable("certificate", "\(error)")
        }
    }

    /// Refuses a certificate that a browser would.
    ///
    /// - Parameter now: in seconds since 1970.
    public func check(for domains: [Domain], at now: Double) throws(CertificateError) {
        guard certificate.ends > now else { throw .expired(days: max(1, -certificate.daysLeft(at: now))) }
        guard certificate.begins <= now else { throw .notYet }
        if let other = domains.first(where: { !certificate.covers($0) }) {
            throw .notFor(other, names: certificate.names)
        }
    }
}
