import Crypto
import FoundationEssentials
import SwiftASN1
import X509

// In a file of its own: X509 has a `CertificateError`, too.

/// A certificate for app.example.org that another one vouches for, or it itself.
struct MadeCertificate {
    /// Its key, in PEM.
    let key: String
    /// The certificate, in PEM.
    let pem: String
    private let own: Certificate.PrivateKey
    private let name: DistinguishedName

    /// - Parameter issuer: who vouches for it; nil for itself.
    init(_ common: String, by issuer: MadeCertificate?) throws {
        let own = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let name = try DistinguishedName { CommonName(common) }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: own.publicKey,
            notValidBefore: Date.now - 86_400, notValidAfter: Date.now + 90 * 86_400, issuer: issuer?.name ?? name,
            subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions { SubjectAlternativeNames([.dnsName("app.example.org")]) },
            issuerPrivateKey: issuer?.own ?? own)
        key = try own.serializeAsPEM().pemString
        pem = try certificate.serializeAsPEM().pemString
        self.own = own
        self.name = name
    }
}
