import HostCertificates
import HostControl
import ReleaseModel
import ReleaseStore
import Testing

@Suite("A certificate")
struct CertificateTests {
    private func certificate(_ name: String) throws -> HostCertificate {
        try CertificatePair(pem: String(decoding: Placeholder.pair(for: name), as: UTF8.self)).certificate
    }

    @Test("is told by its names and its time")
    func states() throws {
        let domain = try Domain("app.example.org")
        let certificate = try certificate("app.example.org")
        let now = currentTime()
        #expect(certificate.state(for: domain, at: now).state == .placeholder)
        let over = certificate.state(for: domain, at: now + 3651 * 86_400)
        #expect(over.state == .expired && !over.isWell && over.daysLeft < 0)
        let other = certificate.state(for: try Domain("example.org"), at: now)
        #expect(other.state == .otherNames && !other.isWell)
    }

    @Test("with a wildcard covers one label, and not the name above")
    func wildcard() throws {
        let certificate = try certificate("*.example.org")
        #expect(certificate.covers(try Domain("app.example.org")))
        for name in ["example.org", "a.b.example.org", "app.example.com", "org"] {
            #expect(!certificate.covers(try Domain(name)), "\(name)")
        }
    }

    @Test("that has expired, does not hold yet or is for other names is refused")
    func checked() throws {
        let pair = try CertificatePair(pem: String(decoding: Placeholder.pair(for: "app.example.org"), as: UTF8.self))
        let domain = try Domain("app.example.org")
        let now = currentTime()
        try pair.check(for: [domain], at: now)
        #expect(throws: CertificateError.expired(days: 2)) {
            try pair.check(for: [domain], at: pair.certificate.ends + 1.5 * 86_400)
        }
        #expect(throws: CertificateError.notYet) { try pair.check(for: [domain], at: now - 3 * 86_400) }
        #expect(throws: CertificateError.self) { try pair.check(for: [domain, Domain("b.example.org")], at: now) }
    }

    @Test("and its key belong together, and are written anew")
    func pairs() throws {
        let one = String(decoding: try Placeholder.pair(for: "a.example.org"), as: UTF8.self)
        let two = String(decoding: try Placeholder.pair(for: "b.example.org"), as: UTF8.self)
        let end = try #require(one.ranges(of: "-----BEGIN CERTIFICATE").first?.lowerBound)
        let other = try #require(two.ranges(of: "-----BEGIN CERTIFICATE").first?.lowerBound)
        #expect(throws: CertificateError.otherKey) { try CertificatePair(pem: String(one[..<end] + two[other...])) }
        #expect(throws: CertificateError.self) { try CertificatePair(pem: String(one[..<end])) }
        #expect(throws: CertificateError.self) { try CertificatePair(pem: String(one[end...])) }
        #expect(throws: CertificateError.self) { try CertificatePair(pem: one + two) }
        let noted = try CertificatePair(pem: "ssl_certificate /etc/shadow;\n" + one)
        #expect(!noted.text.contains("shadow"), "what stands beside the certificates is not copied")
        #expect(try CertificatePair(pem: noted.text).text == noted.text)
    }

    @Test("and those that vouch for it are put in order")
    func ordered() throws {
        let (root, middle, leaf) = try authority()
        let right = try CertificatePair(pem: [leaf.key, leaf.pem, middle.pem, root.pem].joined(separator: "\n"))
        #expect(right.certificate.names == ["app.example.org"] && !right.lacksIssuer)
        for parts in [
            [middle.pem, leaf.pem, root.pem, leaf.key], [root.pem, middle.pem, leaf.key, leaf.pem, middle.pem],
        ] {
            #expect(try CertificatePair(pem: parts.joined(separator: "\n")).text == right.text)
        }
        let alone = try CertificatePair(pem: leaf.key + "\n" + leaf.pem)
        #expect(alone.lacksIssuer)
        let own = try CertificatePair(pem: String(decoding: Placeholder.pair(for: "app.example.org"), as: UTF8.self))
        #expect(!own.lacksIssuer, "nobody else vouches for it")
    }

    @Test("with one that has nothing to do with it is refused by that one's name")
    func unrelated() throws {
        let (root, middle, leaf) = try authority()
        let other = try MadeCertificate("Another", by: nil)
        for (parts, name) in [([leaf.pem, other.pem, middle.pem], "CN=Another"), ([leaf.pem, root.pem], "CN=Root")] {
            #expect(throws: CertificateError.unrelated(name)) {
                try CertificatePair(pem: ([leaf.key] + parts).joined(separator: "\n"))
            }
        }
        let namesake = try MadeCertificate("Middle", by: root)
        #expect(throws: CertificateError.unrelated("CN=Middle")) {
            try CertificatePair(pem: [leaf.key, leaf.pem, namesake.pem].joined(separator: "\n"))
        }
    }

    @Test(
        "whose key has a passphrase is told so",
        arguments: [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqG\n-----END ENCRYPTED PRIVATE KEY-----\n",
            """
            -----BEGIN EC PRIVATE KEY-----
            Proc-Type: 4,ENCRYPTED
            DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF

            MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqG
            -----END EC PRIVATE KEY-----

            """,
        ])
    func passphrase(_ key: String) throws {
        let leaf = try MadeCertificate("Leaf", by: nil)
        #expect(throws: CertificateError.unreadable("key", "it has a passphrase")) {
            try CertificatePair(pem: leaf.pem + "\n" + key)
        }
    }

    private func authority() throws -> (root: MadeCertificate, middle: MadeCertificate, leaf: MadeCertificate) {
        let root = try MadeCertificate("Root", by: nil)
        let middle = try MadeCertificate("Middle", by: root)
        return (root, middle, try MadeCertificate("Leaf", by: middle))
    }
}
