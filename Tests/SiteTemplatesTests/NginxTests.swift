import FreePorts
import ReleaseModel
import SiteTemplates
import Testing

@Suite("nginx takes what is rendered", .serialized, .enabled(if: (try? shellStatus("[ -x /usr/sbin/nginx ]").0) == 0))
struct NginxTests {
    @Test(
        "nginx -t passes without a warning, whatever the home is called",
        arguments: ["plain", "a b", "it's \"x\"; } {", "back\\slash", "-rf"])
    func configuration(_ name: String) throws {
        let site = try LiveSite(name: name)
        try site.install(.sample(root: site.app, port: site.port))
        let output = try site.test()
        #expect(output.contains("test is successful"))
        #expect(!output.contains("[warn]") && !output.contains("[emerg]"), "said: \(output)")
    }

    @Test("nginx -t passes for the longest names there are")
    func longNames() throws {
        let site = try LiveSite(name: "long")
        var context = try SiteContext.sample(root: site.app, port: site.port)
        context.app = try AppName(String(repeating: "a-", count: 19) + "bb")
        let service = try ServiceName("a" + String(repeating: "_", count: 31))
        let label = String(repeating: "a", count: 63)
        context.sites = [
            Site(
                domain: try Domain("\(label).\(label).\(label).\(label.dropLast(2))"),
                routes: [Route(prefix: try URLPrefix("/"), service: service)])
        ]
        context.services = [SiteService(name: service, slots: [SlotNumber.allCases[0]: [.port(20_001)]])]
        try site.install(context)
        #expect(try site.test().contains("test is successful"))
    }

    /// Two releases with one page each, slot 1 behind the first and slot 2 behind the second.
    private func liveSite() throws -> LiveSite {
        let site = try LiveSite(name: "it's a home")
        let ports = try (1...3).map { _ in try FreePort.next() }
        var context = try SiteContext.sample(root: site.app, port: site.port)
        context.services = try [
            SiteService(
                name: ServiceName("api"),
                slots: Dictionary(uniqueKeysWithValues: zip(SlotNumber.allCases, ports.map { [Endpoint.port($0)] }))),
            SiteService(
                name: ServiceName("Live-View"),
                slots: Dictionary(
                    uniqueKeysWithValues: SlotNumber.allCases.map { ($0, [Endpoint.socket("\(site.app)/\($0).sock")]) })
            ),
        ]
        try site.install(context)
        for release in 1...2 {
            let root = "shop/releases/r\(release)"
            for (path, text) in [
                "apps/web/dist/index.html": "page \(release)",
                "apps/web/dist/assets/app-\(release).js": "script \(release)",
                "apps/web/dist/assets/.secret": "hidden", "apps/web/dist/.env": "SECRET",
                "apps/web/dist/data.sqlite3": "rows",
                "apps/web/dist/data.db": "rows", "apps/web/dist/docs/index.html": "docs \(release)",
                "apps/web/dist/style.css": "css",
                "apps/web/dist/.well-known/security.txt": "contact", "index.html": "plain \(release)",
                ".pmo/env": "SECRET", "404.html": "not here",
                "public/robots.txt": "robots \(release)", "folder/index.html": "folder", "app.db-wal": "rows",
            ] { try site.directory.write(text, to: "\(root)/\(path)") }
            try site.directory.write("", to: "shop/slots/api/\(release)/ports")
            try site.directory.write("", to: "shop/slots/Live-View/\(release)/ports")
            let app = site.app.shellQuoted
            try shell(
                "mkdir -p \(app)/releases/r\(release)/.pmo/upstream; for s in api Live-View; do ln -s \(app)/slots/$s/\(release) \(app)/releases/r\(release)/.pmo/upstream/$s; done"
            )
        }
        try site.serve([
            "\(ports[0])": "api1", "\(ports[1])": "api2", "\(site.app)/1.sock": "live1", "\(site.app)/2.sock": "live2",
        ])
        try point(site, "current", at: 1)
        try site.start()
        return site
    }

    private func point(_ site: LiveSite, _ link: String, at release: Int) throws {
        let app = site.app.shellQuoted
        try shell("ln -s \(app)/releases/r\(release) \(app)/new && mv -T \(app)/new \(app)/\(link)")
    }

    @Test("one rename changes pages, services on ports and services on sockets, without a reload")
    func rename() throws {
        let site = try liveSite()
        let master = site.directory.read("nginx/nginx.pid")
        for release in [1, 2, 1] {
            try point(site, "current", at: release)
            #expect(try site.get("/") == "page \(release)")
            #expect(try site.get("/api/x").contains("\"api\(release)\""))
            #expect(try site.get("/live/x").contains("\"live\(release)\""))
            #expect(try site.get("/", host: "api.example.org").contains("\"api\(release)\""))
            #expect(try site.get("/", host: "both.example.org").contains("\"api\(release)\""))
            #expect(try site.get("/robots.txt", host: "both.example.org") == "robots \(release)")
        }
        #expect(site.directory.read("nginx/nginx.pid") == master)
    }

    @Test("pages, fall-backs, caching and what is never served are as the manifest says")
    func pages() throws {
        let site = try liveSite()
        #expect(try site.get("/some/where") == "page 1")
        #expect(try site.get("/docs") == "docs 1")
        #expect(try site.header("Cache-Control", "/some/where") == "no-cache")
        #expect(try site.header("Cache-Control", "/style.css") == nil)
        #expect(try site.header("X-Content-Type-Options", "/style.css") == "nosniff")
        #expect(try site.header("Content-Type", "/style.css") == "text/css")
        #expect(try site.header("Cache-Control", "/assets/app-1.js") == "public, max-age=31536000, immutable")
        #expect(try site.header("Content-Type", "/assets/app-1.js") == "text/javascript")
        #expect(try site.get("/.well-known/security.txt") == "contact")
        for path in [
            "/.env", "/assets/.secret", "/data.sqlite3", "/data.db", "/%2eenv", "/docs/../.env", "/.well-known/../.env",
            "/DATA.DB",
        ] {
            #expect(try site.status(path) == "404", "\(path)")
        }
        for path in ["/.pmo/env", "/.pmo/upstream/api", "/nothing", "/app.db-wal", "/folder/.x"] {
            #expect(try site.status(path, host: "plain.example.org") == "404", "\(path)")
        }
        #expect(try site.get("/nothing", host: "plain.example.org") == "not here")
        #expect(try site.get("/", host: "plain.example.org") == "plain 1")
        #expect(try site.header("Location", "/folder", host: "plain.example.org") == "/folder/")
    }

    @Test("files of the release before are still served below the immutable prefix")
    func previous() throws {
        let site = try liveSite()
        try point(site, "previous", at: 1)
        try point(site, "current", at: 2)
        #expect(try site.get("/assets/app-1.js") == "script 1")
        #expect(try site.header("Cache-Control", "/assets/app-1.js") == "public, max-age=31536000, immutable")
        #expect(try site.get("/assets/app-2.js") == "script 2")
        #expect(try site.status("/assets/app-3.js") == "404")
    }

    @Test("a service gets the path as it was asked for, and who asked")
    func proxied() throws {
        let site = try liveSite()
        let answer = try site.get("/api/a%20b/..%2fc?x=1&y=%00", options: "-H 'X-Forwarded-For: 1.2.3.4'")
        #expect(answer.contains("\"/api/a%20b/..%2fc?x=1&y=%00\""))
        for header in [
            "\"Host\": \"app.example.org\"", "\"X-Real-IP\": \"127.0.0.1\"",
            "\"X-Forwarded-For\": \"1.2.3.4, 127.0.0.1\"",
            "\"X-Forwarded-Proto\": \"http\"", "\"X-Forwarded-Host\": \"app.example.org\"",
        ] { #expect(answer.contains(header), "not in \(answer)") }
        #expect(!answer.contains("Upgrade"))
        let ported = try site.get("/api/", host: "app.example.org:8080")
        #expect(ported.contains("\"Host\": \"app.example.org:8080\""), "\(ported)")
        // A43: the request line names the site, another line another host.
        let absolute = "--request-target http://app.example.org/api/"
        for host in ["evil.example", "app.example.org.", "evil.example:80", "app.example.org|x"] {
            let spoofed = try site.get("/api/", host: host, options: absolute)
            for name in ["Host", "X-Forwarded-Host"] {
                #expect(spoofed.contains("\"\(name)\": \"app.example.org\""), "\(host): \(spoofed)")
            }
        }
        let upgraded = try site.get("/api/", options: "-H 'Connection: Upgrade' -H 'Upgrade: websocket'")
        #expect(upgraded.contains("\"Upgrade\": \"websocket\"") && upgraded.contains("\"Connection\": \"upgrade\""))
    }

    @Test("unknown hosts, redirects, paths without a service and services that are gone are told apart")
    func others() throws {
        let site = try liveSite()
        #expect(try site.status("/", host: "evil.example") == "421")
        #expect(try site.status("/x?y=1", host: "www.example.org") == "301")
        #expect(
            try site.header("Location", "/x?y=1", host: "www.example.org")
                == "http://app.example.org:\(site.port)/x?y=1")
        #expect(try site.status("/", host: "hooks.example.org") == "404")
        #expect(try site.get("/in/", host: "hooks.example.org").contains("\"api1\""))
        #expect(try site.status("/liver") == "200")
        #expect(try site.get("/liver") == "page 1")
        #expect(try site.get("/live").contains("\"live1\""))
        #expect(try shell("curl -s --unix-socket \(site.nginx.shellQuoted)/control.sock http://x/") == "g1")
        try site.stopServing()
        #expect(try site.status("/api/") == "502")
    }
}
