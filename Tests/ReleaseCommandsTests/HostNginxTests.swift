import Foundation
import FreePorts
import Glibc
import ReleaseStore
import SystemPackage
import Testing

/// Pushes to a home whose sites the host's nginx serves: the real one with a configuration like Debian's below the
/// test's directory, changed by the real root helper.
@Suite("Served by the host's nginx", .timeLimit(.minutes(10)))
struct HostNginxTests {
    private static func prepare(_ host: TestHost) throws -> [String] {
        let owner = String(cString: getpwuid(geteuid()).pointee.pw_name)
        var settings = RootSettings()
        settings.home = host.home
        settings.user = owner
        settings.worker = geteuid() == 0 ? "www-data" : owner
        settings.nginx = host.root + "/nginx"
        settings.pid = host.root + "/nginx.pid"
        settings.systemd = false
        settings.state = host.root + "/state"
        settings.logs = host.root + "/logs"
        settings.addresses = ["127.0.0.1"]
        (settings.httpPort, settings.httpsPort) = (try FreePort.next(), host.port)
        for directory in ["nginx/conf.d", "nginx/sites-enabled", "tmp"] {
            try FileManager.default.createDirectory(
                atPath: "\(host.root)/\(directory)", withIntermediateDirectories: true)
        }
        try settings.save(to: FilePath(host.root + "/root.json"))
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(host.root)/tmp/\($0);" }.joined(separator: " ")
        try """
        \(geteuid() == 0 ? "user www-data;" : "")
        worker_processes 1;
        pid \(host.root)/nginx.pid;
        error_log \(host.root)/error.log notice;
        events { worker_connections 256; }
        http {
            \(temporary)
            types { text/html html; }
            include \(host.root)/nginx/conf.d/*.conf;
            include \(host.root)/nginx/sites-enabled/*;
        }

        """.write(toFile: host.root + "/nginx/nginx.conf", atomically: true, encoding: .utf8)
        return ["--nginx", "host"]
    }

    private static func with(_ body: (TestHost) async throws -> Void) async throws {
        try await TestHost.with(prepared: prepare, body)
    }

    /// Asks over TLS, whoever vouches for the certificate.
    private func get(_ host: TestHost, _ path: String, _ domain: String = "pmo.localhost") async throws -> (Int, String)
    {
        let ended = try await host.run(
            "curl",
            [
                "-sSk", "--max-time", "10", "--path-as-is", "-w", "\n%{http_code}", "--resolve",
                "\(domain):\(host.port):127.0.0.1", "https://\(domain):\(host.port)\(path)",
            ], directory: "/")
        let lines = ended.out.split(separator: "\n", omittingEmptySubsequences: false)
        let body = lines.dropLast().joined(separator: "\n")
        return (lines.last.flatMap { Int($0) } ?? 0, body.hasSuffix("\n") ? String(body.dropLast()) : body)
    }

    private static let server = """
        import http.server, os
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(os.environ["VERSION"].encode() + b" " + self.headers["Host"].encode() + b"\\n")
            def log_message(self, *rest): pass
        http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
        """

    private static func manifest(_ version: String) -> String {
        """
        env: { defaults: { VERSION: "\(version)" } }
        services: { web: { command: python3 server.py, health: { path: /, within: 30s } } }
        sites: { pmo.localhost: { root: public, routes: { /api/: web } } }
        bake: 0s
        """
    }

    @Test("a push is served over TLS, the next one and a rollback without a reload")
    func push() async throws {
        try await Self.with { host in
            try await host.deploy([
                "public/index.html": "one\n", "server.py": Self.server, "pmo-release.yml": Self.manifest("v1"),
            ])
            #expect(try await get(host, "/") == (200, "one"))
            #expect(try await get(host, "/api/x") == (200, "v1 pmo.localhost:\(host.port)"))
            let file = host.text(host.root + "/nginx/pmo-release/pmo.conf")
            let shared = host.text(host.root + "/nginx/conf.d/pmo-release.conf")
            #expect(file != nil && shared != nil)
            let pushed = try await host.push("HEAD:main")
            #expect(pushed.status == 0)
            try host.write(["public/index.html": "two\n", "pmo-release.yml": Self.manifest("v2")])
            try await host.commit("Two")
            let second = try await host.push()
            #expect(
                second.status == 0 && second.all.contains("=====> Live: https://pmo.localhost:\(host.port)/"),
                "\(second)")
            #expect(try await get(host, "/") == (200, "two"))
            #expect(try await get(host, "/api/x").1.hasPrefix("v2"))
            #expect(try await host.pmo("rollback", "pmo").status == 0)
            #expect(try await get(host, "/") == (200, "one"))
            #expect(try await get(host, "/api/x").1.hasPrefix("v1"))
            #expect(host.text(host.root + "/nginx/conf.d/pmo-release.conf") == shared, "nothing was reloaded")
            let doctor = try await host.pmo("doctor", "pmo")
            #expect(doctor.status == 0, "\(doctor)")
        }
    }

    @Test("a site that went with nginx's files is missed, and comes back", arguments: ["doctor", "resume", "push"])
    func lost(_ by: String) async throws {
        try await Self.with { host in
            let site = "bake: 0s\nsites: { pmo.localhost: { root: . } }\n"
            try await host.deploy(["index.html": "one\n", "pmo-release.yml": site])
            let files = ["\(host.root)/nginx/pmo-release/pmo.conf", "\(host.root)/nginx/conf.d/pmo-release.conf"]
            for file in files.prefix(by == "push" ? 2 : 1) { #expect(unlink(file) == 0) }
            let pid = try #require(host.text(host.root + "/nginx.pid").flatMap { Int32($0.dropLast()) })
            kill(pid, SIGHUP)
            try #require(try await eventually { try await get(host, "/").0 != 200 })
            switch by {
            case "doctor":
                let said = try await host.pmo("doctor", "pmo")
                #expect(said.out.contains("!!  site: nginx has another site than the live release's"), "\(said)")
                return
            case "resume": #expect(try await host.pmo("resume", "pmo").status == 0)
            default: try await host.deploy(["index.html": "two\n"])
            }
            #expect(try await get(host, "/") == (200, by == "push" ? "two" : "one"))
        }
    }

    @Test("what nginx is given can be read for each release, and its whole configuration tested")
    func shown() async throws {
        try await Self.with { host in
            func site(_ more: String) -> String {
                "bake: 0s\nsites: { pmo.localhost: { redirect-from: [www.pmo.localhost], root: .\(more) } }\n"
            }
            let first = try await host.deploy(["index.html": "one\n", "pmo-release.yml": site(", body-size: 3M")])
            try await host.deploy(["pmo-release.yml": site(", spa: true")])
            let listed = try await host.pmo("site", "list")
            #expect(listed.out.contains("pmo.localhost      pmo  the release's files, index.html for the rest\n"))
            #expect(listed.out.contains("www.pmo.localhost  pmo  redirects to pmo.localhost\n"), "\(listed)")
            let file = host.root + "/nginx/pmo-release/pmo.conf"
            let live = host.text(file)
            #expect(try await host.pmo("site", "render").out == live)
            let old = try await host.pmo("site", "render", "pmo", first)
            #expect(old.out.contains("client_max_body_size 3145728;") && old.out != live, "\(old)")
            #expect(host.text(file) == live, "nothing was changed")
            #expect(try await host.pmo("site", "test").status == 0)
            let broken = host.root + "/nginx/sites-enabled/other"
            try "server { lisen 80; }\n".write(toFile: broken, atomically: true, encoding: .utf8)
            let refused = try await host.pmo("site", "test")
            #expect(refused.status != 0 && refused.err.contains(broken), "\(refused)")
        }
    }

    @Test("nginx's workers read the pages, and nothing secret", .enabled(if: geteuid() == 0))
    func secrets() async throws {
        try await Self.with { host in
            #expect(try await host.pmo("env", "set", "pmo", "TOKEN=canary").status == 0)
            try await host.deploy([
                "index.html": "one\n", "app.env.template": "TOKEN={{TOKEN}}\n",
                "pmo-release.yml": """
                env: { files: { app.env: app.env.template } }
                sites: { pmo.localhost: { root: . } }
                bake: 0s
                """,
            ])
            let app = "\(host.home)/pmo"
            func reads(_ path: String) async throws -> Bool {
                try await host.run(
                    "setpriv", ["--reuid", "www-data", "--regid", "www-data", "--clear-groups", "test", "-r", path]
                ).status == 0
            }
            #expect(try await reads("\(app)/current/index.html"))
            for path in [
                "ledger.sqlite", "repo.git/HEAD", "current/.pmo/env", "current/app.env", "env/values",
                "../../state/certificates/pmo.localhost/pair.pem",
            ] {
                #expect(access("\(app)/\(path)", F_OK) == 0, "\(path)")
                #expect(try await !reads("\(app)/\(path)"), "\(path)")
            }
        }
    }

    @Test("F34: with another's file broken a deploy goes on where the site is unchanged, and fails naming it where not")
    func foreign() async throws {
        try await Self.with { host in
            let site = "bake: 0s\nsites: { pmo.localhost: { root: . } }\n"
            try await host.deploy(["index.html": "one\n", "pmo-release.yml": site])
            let broken = host.root + "/nginx/sites-enabled/other"
            try "server { lisen 80; }\n".write(toFile: broken, atomically: true, encoding: .utf8)
            try await host.deploy(["index.html": "two\n"])
            #expect(try await get(host, "/") == (200, "two"))
            try host.write([
                "index.html": "three\n", "pmo-release.yml": site.replacing("root: .", with: "root: ., spa: true"),
            ])
            try await host.commit("Three")
            let pushed = try await host.push()
            #expect(pushed.status == 1 && pushed.all.contains(broken), "\(pushed)")
            #expect(try await get(host, "/") == (200, "two"))
            kill(try #require(host.text(host.root + "/nginx.pid").flatMap { Int32($0.dropLast()) }), SIGTERM)
            try #require(try await eventually { host.text(host.root + "/nginx.pid") == nil })
            let down = try await host.push()
            #expect(down.status == 1 && down.all.contains(" is live, but nginx does not run"), "\(down)")
            #expect(!down.all.contains("still serves"), "\(down)")
            unlink(broken)
            #expect(try await host.push().status == 0)
            #expect(try await get(host, "/some/where") == (200, "three"))
        }
    }

    @Test("maintenance shows a page that says why, and ends")
    func maintenance() async throws {
        try await Self.with { host in
            try await host.deploy([
                "index.html": "one\n", "pmo-release.yml": "bake: 0s\nsites: { pmo.localhost: { root: . } }\n",
            ])
            #expect(try await host.pmo("maintenance", "on", "pmo", "-m", "new <disks> & more").status == 0)
            let (status, body) = try await get(host, "/")
            #expect(status == 503 && body.contains("<p>new &lt;disks&gt; &amp; more</p>"), "\(body)")
            try host.write(["own.html": "mine\n"])
            #expect(try await host.pmo("maintenance", "on", "--page", "\(host.work)/own.html").status == 0)
            #expect(try await get(host, "/x") == (503, "mine"))
            #expect(
                try await host.pmo("status").out.contains("  every request gets 503: pmo-release maintenance off pmo"))
            #expect(try await host.pmo("maintenance", "off").status == 0)
            #expect(try await get(host, "/") == (200, "one"))
        }
    }

    @Test("certificates of the operator's own are served, refused where they do not fit, and told by status")
    func certificates() async throws {
        try await Self.with { host in
            try await host.deploy([
                "index.html": "one\n", "pmo-release.yml": "bake: 0s\nsites: { pmo.localhost: { root: . } }\n",
            ])
            let before = try await host.pmo("cert", "status", "--json")
            #expect(before.status == 0 && before.out.contains("\"placeholder\""), "\(before)")
            func make(_ name: String, _ domains: String, days: Int = 90) async throws {
                let made = try await host.run(
                    "openssl",
                    [
                        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "\(days)", "-subj", "/CN=Test \(name)", "-addext", "subjectAltName=\(domains)", "-keyout",
                        "\(host.root)/\(name).key", "-out", "\(host.root)/\(name).pem",
                    ])
                try #require(made.status == 0, "\(made)")
            }
            try await make("good", "DNS:pmo.localhost")
            try await make("wild", "DNS:*.localhost", days: 10)
            try await make("other", "DNS:other.example.org")
            func install(_ certificate: String, _ key: String) async throws -> Ended {
                try await host.pmo(
                    "cert", "install", "pmo", "--certificate", "\(host.root)/\(certificate)", "--key",
                    "\(host.root)/\(key)")
            }
            for (certificate, key, sentence) in [
                ("good.pem", "other.key", "the key is not the certificate's"),
                ("other.pem", "other.key", "the certificate is not for pmo.localhost, but for other.example.org"),
                ("good.key", "good.key", "the certificate cannot be read"),
                ("good.pem", "good.pem", "the key cannot be read: there is none"),
                ("root.json", "good.key", "the certificate cannot be read"),
            ] {
                let refused = try await install(certificate, key)
                #expect(refused.status == 3 && refused.err.contains(sentence), "\(sentence): \(refused)")
            }
            #expect(try await host.pmo("cert", "status", "--json").out.contains("\"placeholder\""))
            let installed = try await install("good.pem", "good.key")
            #expect(installed.status == 0, "\(installed)")
            let status = try await host.pmo("cert", "status")
            #expect(status.status == 0 && status.out.contains("Test good") && status.out.contains("holds"), "\(status)")
            #expect(try await install("wild.pem", "wild.key").status == 0)
            let soon = try await host.pmo("cert", "status")
            #expect(soon.status == 0 && soon.out.contains("ends soon") && soon.err.contains("days left"), "\(soon)")
            #expect(soon.err.contains("cert install pmo") && !soon.err.contains("cert renew"), "\(soon)")
        }
    }

    @Test("another home than the root helper's, and another port than nginx's, are refused")
    func refusals() async throws {
        try await Self.with { host in
            let other = try await host.pmo("create", "blog", "--home", host.root + "/h2", "--nginx", "host")
            #expect(other.status == 3 && other.err.contains("serves the apps in \(host.home) alone"), "\(other)")
            let own = try await host.pmo("create", "blog", "--nginx", "own")
            #expect(own.status == 3 && own.err.contains("share one nginx: host"), "\(own)")
            let wrong = try await host.pmo("create", "blog", "--nginx", "apache")
            #expect(wrong.status == 64, "\(wrong)")
        }
    }

    @Test("A27: a push of a site whose domain another app has fails, and destroy sets it free")
    func taken() async throws {
        try await Self.with { host in
            let site = "bake: 0s\nsites: { app.example.org: { root: . } }\n"
            try await host.deploy(["index.html": "one\n", "pmo-release.yml": site])
            let early = try await host.pmo("create", "blog", "--domain", "app.example.org")
            #expect(early.status == 3 && early.err.contains("app.example.org is another app's"), "\(early)")
            #expect(try await host.pmo("create", "blog").status == 0)
            try await host.git("remote", "add", "blog", "\(host.home)/blog/repo.git")
            let refused = try await host.run("git", ["push", "blog", "main"])
            #expect(
                refused.status == 1 && refused.all.contains("the domain app.example.org is another app's"), "\(refused)"
            )
            // A36: whose, is for those who may see it.
            #expect(!refused.all.contains("the app pmo") && !refused.all.contains("show pmo"), "\(refused)")
            #expect(try await get(host, "/", "app.example.org") == (200, "one"))
            #expect(try await host.pmo("destroy", "pmo", "--confirm", "pmo").status == 0)
            #expect(try await get(host, "/", "app.example.org").0 == 421)
            #expect(try await host.run("git", ["push", "blog", "main"]).status == 0)
            #expect(try await get(host, "/", "app.example.org") == (200, "one"))
        }
    }
}
