import Foundation
import Glibc
import HostCertificates
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

/// Certificates from a real certificate authority: caddy's ACME server, in a network and with a table of hosts of the
/// test's own, so that ports 80 and 443 are free and names lead where they are to.
@Suite(
    "Certificates by ACME", .enabled(if: geteuid() == 0, "a network of its own takes root"), .timeLimit(.minutes(10)))
struct AcmeTests {
    @Test("are issued, served, renewed, and refused where a name does not lead here")
    func issued() async throws {
        try await RootHost.with(isolated: true) { host in
            let caddy = try await host.startAuthority()
            try host.app("shop")
            try host.want(
                SiteValues(
                    app: AppName("shop"),
                    sites: [
                        Site(
                            domain: Domain("app.example.test"), redirectFrom: [Domain("www.example.test")], root: .root)
                    ], services: []))
            #expect(try await host.helper("site", "apply", "shop").status == 0)
            let first = try await host.helper("cert", "status", "shop")
            #expect(first.certificates.map(\.state) == [.placeholder, .placeholder], "\(first)")

            let server = ["--acme-url", "https://ca.example.test:8443/acme/local/directory"]
            let issued = try await host.helper(["cert", "issue", "shop", "--email", "admin@example.test"] + server)
            #expect(
                issued.status == 0 && issued.notices.last?.contains("app.example.test, www.example.test") == true,
                "\(issued)")
            let status = try await host.helper("cert", "status", "shop")
            // caddy's certificates hold for 12 hours.
            #expect(status.certificates.map(\.state) == [.ends, .ends], "\(status)")
            #expect(status.certificates.allSatisfy { $0.issuer.contains("Intermediate") }, "\(status)")
            #expect(try await host.body("app.example.test") == "page of it\n")
            let old = host.text("state/certificates/app.example.test/pair.pem")
            #expect(old?.contains("PRIVATE KEY") == true)

            // certbot itself renews, and its hook has nginx read what is new.
            let renewed = try await host.run(
                "certbot",
                [
                    "renew", "--force-renewal", "--no-random-sleep-on-renew", "--config-dir", host.settings.letsencrypt,
                    "--work-dir", host.settings.letsencrypt + "/work", "--logs-dir",
                    host.settings.letsencrypt + "/logs",
                ],
                ["REQUESTS_CA_BUNDLE": host.settings.acmeAuthority ?? "", "PMO_ROOT_SETTINGS": host.settingsFile])
            #expect(renewed.succeeded, "\(renewed.text)\(renewed.problem)")
            let new = host.text("state/certificates/app.example.test/pair.pem")
            #expect(new != nil && new != old, "the hook has put the new one in place")
            let served = try await host.helper("cert", "status", "shop")
            #expect(served.certificates.first?.expires ?? 0 >= status.certificates.first?.expires ?? .infinity)
            #expect(try await host.helper("cert", "renew", "shop").status == 0)
            #expect(host.text("state/certificates/app.example.test/pair.pem") != new)

            let own = String(decoding: try Placeholder.pair(for: "app.example.test"), as: UTF8.self)
            #expect(try await host.helper("cert", "install", "shop", "app.example.test", input: own).status == 0)
            #expect(try await host.helper("cert", "renew", "shop").status == 0)
            #expect(host.text("state/certificates/app.example.test/pair.pem") == own, "the operator's own stays")

            let again = try await host.helper(["cert", "issue", "shop", "--skip-dns"] + server)
            #expect(again.status == 0, "what holds long enough is left as it is: \(again)")
            #expect(host.text("state/certificates/app.example.test/pair.pem") != own, "until one is asked for")

            // A name that leads elsewhere, and one that leads nowhere.
            for (domain, sentence) in [
                ("other.example.test", "leads to 127.0.0.9, where this host does not answer"),
                ("none.example.test", "has no address"),
            ] {
                try host.want(.page("shop", domain))
                #expect(try await host.helper("site", "apply", "shop").status == 0)
                let refused = try await host.helper(["cert", "issue", "shop"] + server)
                #expect(refused.status == 3 && refused.error.contains(sentence), "\(refused)")
                #expect(try await host.get(domain, "/").status == 200, "the placeholder still serves")
            }
            // An app that is gone: nothing of it is renewed any more, and it may be said twice.
            for notices in [1, 0] {
                let forgotten = try await host.helper("cert", "forget", "shop")
                #expect(forgotten.status == 0 && forgotten.notices.count == notices, "\(forgotten)")
            }
            for place in ["renewal", "live", "archive"] {
                let names = try FileManager.default.contentsOfDirectory(atPath: "\(host.settings.letsencrypt)/\(place)")
                #expect(!names.contains { $0.hasPrefix("pmo-") }, "\(names)")
            }
            let left = try FileManager.default.contentsOfDirectory(
                atPath: host.root + "/state/challenges/.well-known/acme-challenge")
            #expect(left == [], "nothing of a question is left")
            withExtendedLifetime(caddy) {}
        }
    }
}

extension RootHost {
    /// caddy as an ACME server at ca.example.test:8443, whose root the helper is told to trust.
    func startAuthority() async throws -> BackgroundProgram {
        try write(
            """
            {
                admin off
                auto_https disable_redirects
                skip_install_trust
                http_port 8080
                https_port 8443
                storage file_system \(root)/caddy
            }
            ca.example.test:8443 {
                tls internal
                acme_server
            }

            """, to: "Caddyfile")
        let caddy = try BackgroundProgram(
            entering("caddy", ["run", "--config", root + "/Caddyfile", "--adapter", "caddyfile"]),
            ["HOME": root], log: root + "/caddy.log")
        let authority = root + "/caddy/pki/authorities/local/root.crt"
        for _ in 0..<300 {
            if access(authority, F_OK) == 0 {
                let answer = try await run(
                    "curl", ["-sS", "--cacert", authority, "https://ca.example.test:8443/acme/local/directory"])
                if answer.text.contains("newOrder") { break }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        settings.acmeAuthority = authority
        try settings.save(to: FilePath(settingsFile))
        return caddy
    }
}

/// A program that ends with the test.
final class BackgroundProgram {
    private let pid: Int32

    init(_ words: [String], _ environment: [String: String], log: String) throws {
        pid = try DetachedProcess.spawn(
            executable: HostPrograms.find(words[0]), arguments: Array(words.dropFirst()),
            environment: HostPrograms.environment.merging(environment) { $1 }, log: FilePath(log))
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }
}
