import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A certificate that nobody vouches for, so that a site can be there before it has a real one.
public enum Placeholder {
    /// Its issuer, and subject.
    public static let issuer = "pmo-release placeholder"

    /// A new key with a certificate for a name, in one file of PEM; it holds for ten years.
    ///
    /// - Throws: `CertificateError.unreadable` where it cannot be made.
    public static func pair(for name: String) throws(CertificateError) -> [UInt8] {
        do {
            let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
            let subject = try DistinguishedName { CommonName(issuer) }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
                notValidBefore: Date.now - 86_400, notValidAfter: Date.now + 3650 * 86_400, issuer: subject,
                subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    SubjectAlternativeNames([.dnsName(name)])
                },
                issuerPrivateKey: key)
            let documents = [try key.serializeAsPEM(), try certificate.serializeAsPEM()]
            return Array(documents.map { $0.pemString + "\n" }.joined().utf8)
        } catch {
            throw .unreadable("placeholder", "\(error)")
        }
    }
}
