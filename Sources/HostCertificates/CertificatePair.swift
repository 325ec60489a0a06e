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
    /// Whether another one vouches for it, whose certificate did not come along.
    public let lacksIssuer: Bool
    /// The key and the certificates in one file of PEM, as nginx reads it.
    public let text: String

    /// Reads certificates and a key in PEM, in any order; the server's own certificate is the one that the key is of.
    ///
    /// - Throws: what cannot be read, a key that is another one's, or a certificate that has nothing to do with it.
    public init(pem: String) throws(CertificateError) {
        guard pem.utf8.count <= Self.longest else { throw .unreadable("certificate", "it is too long") }
        // PKCS #8 (RFC 7468 §11), and the form before it (RFC 1421 §4.6.1.1).
        if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
            throw .unreadable("key", "it has a passphrase")
        }
        let documents: [PEMDocument]
        do { documents = try PEMDocument.parseMultiple(pemString: pem) } catch {
            throw .unreadable("certificate", "\(error)")
        }
        let certificates = try Self.certificates(documents.filter { $0.discriminator == "CERTIFICATE" })
        // `EC PARAMETERS` may stand before the key.
        let keys = documents.filter { $0.discriminator.hasSuffix("PRIVATE KEY") }
        guard let document = keys.first, keys.count == 1 else {
            throw .unreadable("key", keys.isEmpty ? "there is none" : "there are several")
        }
        let key: Certificate.PrivateKey
        do { key = try Certificate.PrivateKey(pemDocument: document) } catch { throw .unreadable("key", "\(error)") }
        let chain = try Self.chain(certificates, of: key.publicKey)
        lacksIssuer = chain.count == 1 && chain[0].issuer != chain[0].subject
        do { certificate = try HostCertificate(chain[0]) } catch { throw .unreadable("certificate", "\(error)") }
        do {
            text = try ([key.serializeAsPEM()] + chain.map { try $0.serializeAsPEM() }).map { $0.pemString + "\n" }
                .joined()
        } catch {
            throw .unreadable("key", "\(error)")
        }
    }

    private static func certificates(_ documents: [PEMDocument]) throws(CertificateError) -> [Certificate] {
        guard (1...10).contains(documents.count) else {
            throw .unreadable("certificate", documents.isEmpty ? "it holds none" : "it holds more than 10")
        }
        do { return try documents.map { try Certificate(pemDocument: $0) } } catch {
            // swift-crypto takes no shorter one.
            let isShort = "\(error)".contains("incorrectParameterSize")
            throw .unreadable("certificate", isShort ? "its RSA key has less than 2,048 bits" : "\(error)")
        }
    }

    /// The certificate of a key, then those that vouch for it, each after one that it vouches for (RFC 8446 §4.4.2).
    private static func chain(
        _ certificates: [Certificate], of key: Certificate.PublicKey
    ) throws(CertificateError) -> [Certificate] {
        guard let own = certificates.first(where: { $0.publicKey == key }) else { throw .otherKey }
        var chain = [own]
        var rest = certificates.filter { $0 != own }
        while let other = rest.first {
            // Mostly the last one's; of a root that is signed by another one, too, there are two.
            let fitting = chain.reversed().compactMap { below in rest.first(where: { $0.vouches(for: below) }) }
            guard let next = fitting.first else { throw .unrelated("\(other.subject)") }
            chain.append(next)
            rest.removeAll { $0 == next }
        }
        return chain
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

extension Certificate {
    /// Whether the other one names this one as its issuer, and has its signature where that is of a known kind.
    fileprivate func vouches(for other: Certificate) -> Bool {
        let known: [SignatureAlgorithm] = [
            .sha256WithRSAEncryption, .sha384WithRSAEncryption, .sha512WithRSAEncryption, .ecdsaWithSHA256,
            .ecdsaWithSHA384, .ecdsaWithSHA512, .ed25519,
        ]
        guard subject == other.issuer else { return false }
        return !known.contains(other.signatureAlgorithm) || publicKey.isValidSignature(other.signature, for: other)
    }
}
