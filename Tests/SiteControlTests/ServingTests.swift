import Foundation
import Glibc
import HostControl
import ReleaseModel
import Testing

/// What a real nginx answers with the configuration that the root helper has made.
@Suite("The host's nginx serves", .timeLimit(.minutes(5)))
struct ServingTests {
    @Test("a page over TLS and HTTP/2 with the usual headers, and http leads there")
    func page() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            let page = try await host.get("app.example.org")
            #expect(page.status == 200 && page.body == "page of it\n", "\(page)")
            #expect(page.head.hasPrefix("http/2 200"))
            for header in [
                "strict-transport-security: max-age=63072000", "x-content-type-options: nosniff",
                "x-frame-options: sameorigin", "referrer-policy: strict-origin-when-cross-origin",
            ] { #expect(page.head.ranges(of: header).count == 1, "\(header) in \(page.head)") }
            #expect(!page.head.contains("nginx/"), "the version is nobody's business")
            let plain = try await host.get("app.example.org", "/x?y=1", http: true)
            #expect(plain.status == 301)
            #expect(plain.head.contains("location: https://app.example.org:\(host.https)/x?y=1"), "\(plain.head)")
            let missing = try await host.get("app.example.org", "/nothing")
            #expect(missing.status == 404 && missing.head.contains("strict-transport-security"))
        }
    }

    @Test("hosts that no site has are told 421, with and without TLS")
    func unknown() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            #expect(try await host.get("evil.example").status == 421)
            #expect(try await host.get("evil.example", http: true).status == 421)
            #expect(try await host.get("app.example.org", "/", http: false, "-H", "Host: evil.example").status == 421)
        }
    }

    @Test("TLS 1.2 and 1.3 with forward secrecy, and nothing older")
    func protocols() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            func handshake(_ options: [String]) async throws -> CommandResult {
                try await ProcessRunner().run(
                    Command(
                        executable: "openssl",
                        arguments: [
                            "s_client", "-connect", "127.0.0.1:\(host.https)", "-servername", "app.example.org",
                        ] + options, input: []), within: .seconds(10))
            }
            for (options, isTaken) in [
                (["-tls1_3"], true), (["-tls1_2"], true), (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], false),
                (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], false),
                (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], true),
                (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], false),
                (["-tls1_2", "-cipher", "AES128-SHA"], false),
            ] {
                let result = try await handshake(options)
                let hasCipher = !result.text.contains("Cipher is (NONE)")
                #expect(hasCipher == isTaken, "\(options): \(result.text.suffix(600))")
            }
        }
    }

    @Test("unknown paths serve the page, and what never changes is served of the release before as well")
    func singlePage() async throws {
        try await RootHost.with { host in
            for (id, number) in [("r1", 1), ("r2", 2)] {
                try host.release(
                    "shop", id,
                    files: [
                        "dist/index.html": "page \(number)\n", "dist/assets/app-\(number).js": "script \(number)\n",
                        "dist/.env": "SECRET", "dist/data.sqlite3": "rows", ".pmo/env": "SECRET",
                    ])
            }
            try host.point("shop", "current", at: "r1")
            try host.want(
                SiteValues(
                    app: AppName("shop"),
                    sites: [
                        Site(
                            domain: Domain("app.example.org"), redirectFrom: [Domain("www.example.org")],
                            root: ReleasePath("dist"), spa: true, immutable: URLPrefix("/assets/"))
                    ], services: []))
            let answer = try await host.helper("site", "apply", "shop")
            #expect(answer.status == 0, "\(answer)")
            #expect(try await host.body("app.example.org", "/some/where") == "page 1\n")
            let master = host.nginxPid
            try host.point("shop", "previous", at: "r1")
            try host.point("shop", "current", at: "r2")
            #expect(try await host.body("app.example.org") == "page 2\n")
            #expect(try await host.body("app.example.org", "/assets/app-2.js") == "script 2\n")
            let old = try await host.get("app.example.org", "/assets/app-1.js")
            #expect(old.body == "script 1\n" && old.head.contains("max-age=31536000, immutable"), "\(old)")
            #expect(old.head.contains("strict-transport-security"))
            #expect(try await host.get("app.example.org", "/assets/app-3.js").status == 404)
            for path in ["/.env", "/data.sqlite3", "/.pmo/env", "/assets/../.env"] {
                #expect(try await host.get("app.example.org", path).status == 404, "\(path)")
            }
            let redirect = try await host.get("www.example.org", "/x")
            #expect(redirect.status == 301)
            #expect(redirect.head.contains("location: https://app.example.org:\(host.https)/x"), "\(redirect.head)")
            #expect(host.nginxPid == master, "one nginx, all the time")
        }
    }

    @Test("a link in a release to what another user has is not followed", .enabled(if: geteuid() == 0))
    func foreignLink() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            let page = "\(host.home)/shop/releases/r1"
            try host.write("its own\n", to: "home/shop/shared/own.txt")
            chown("\(host.home)/shop/shared/own.txt", 65534, 65534)
            try host.write("of the host\n", to: "secret.txt")
            for (name, target) in [
                ("own.txt", "\(host.home)/shop/shared/own.txt"), ("host.txt", host.root + "/secret.txt"),
            ] {
                symlink(target, "\(page)/\(name)")
                lchown("\(page)/\(name)", 65534, 65534)
            }
            #expect(try await host.body("app.example.org", "/own.txt") == "its own\n")
            #expect(try await [403, 404].contains(host.get("app.example.org", "/host.txt").status))
        }
    }

    private static let echo = """
        import http.server, socketserver, sys, threading, time
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                if self.headers.get("Upgrade") == "websocket" and self.headers.get("Connection") == "upgrade":
                    self.send_response(101)
                    self.send_header("Upgrade", "websocket")
                    self.send_header("Connection", "Upgrade")
                    self.end_headers()
                    self.wfile.write(b"hello socket\\n")
                    self.close_connection = True
                    return
                if self.path == "/api/slow":
                    time.sleep(4)
                body = f"{self.server.name} {self.path} {self.headers['X-Forwarded-Proto']} {self.headers['Host']}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Frame-Options", "DENY")
                self.end_headers()
                self.wfile.write(body)
            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                if self.path == "/api/early":
                    length = 5
                body = str(len(self.rfile.read(length))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *rest): pass
        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
        words = sys.argv[1:]
        for name, port in zip(words[::2], words[1::2]):
            server = Server(("127.0.0.1", int(port)), Handler)
            server.name = name
            threading.Thread(target=server.serve_forever).start()
        print("ready", flush=True)
        """

    /// Ports of a test's own within what a site may name.
    private static func slotPorts() throws -> [Int] {
        var ports: [Int] = []
        var next = 20000 + Int(getpid()) % 8000
        while ports.count < 3 {
            next += 1
            if Nginx.portIsFree(address: "127.0.0.1", port: next) { ports.append(next) }
        }
        return ports
    }

    @Test("requests and WebSockets go to the slot that the live release names")
    func services() async throws {
        try await RootHost.with { host in
            let ports = try Self.slotPorts()
            try host.app("shop", files: ["index.html": "page\n"])
            try host.release("shop", "r2", files: ["index.html": "page\n"])
            for (id, slot) in [("r1", 1), ("r2", 2)] {
                try host.write("", to: "home/shop/slots/api/\(slot)/ports")
                try host.write("", to: "home/shop/releases/\(id)/.pmo/upstream/.keep")
                symlink(
                    "\(host.home)/shop/slots/api/\(slot)", "\(host.home)/shop/releases/\(id)/.pmo/upstream/api")
            }
            let server = try PythonServer(
                Self.echo, ["slot1", "\(ports[0])", "slot2", "\(ports[1])"], in: host.root)
            try host.want(
                SiteValues(
                    app: AppName("shop"),
                    sites: [
                        Site(
                            domain: Domain("app.example.org"), root: .root,
                            routes: [Route(prefix: URLPrefix("/api/"), service: ServiceName("api"))],
                            bodySize: ByteSize("2K"), timeout: TimeLimit("1s"), requestBuffering: false),
                        Site(
                            domain: Domain("api.example.org"),
                            routes: [Route(prefix: .root, service: ServiceName("api"))]),
                    ], services: [SiteBackend(name: ServiceName("api"), ports: ports.map { [$0] })]))
            let answer = try await host.helper("site", "apply", "shop")
            #expect(answer.status == 0, "\(answer)")
            for (id, name) in [("r1", "slot1"), ("r2", "slot2"), ("r1", "slot1")] {
                try host.point("shop", "current", at: id)
                #expect(
                    try await host.body("app.example.org", "/api/x")
                        == "\(name) /api/x https app.example.org:\(host.https)")
                #expect(
                    try await host.body("api.example.org", "/y") == "\(name) /y https api.example.org:\(host.https)")
            }
            let own = try await host.get("app.example.org", "/api/x")
            #expect(own.head.contains("x-frame-options: deny") && !own.head.contains("sameorigin"), "\(own.head)")
            let upgraded = try await host.get(
                "app.example.org", "/api/live", http: false, "--http1.1", "-H", "Connection: Upgrade", "-H",
                "Upgrade: websocket")
            #expect(upgraded.status == 101 && upgraded.body == "hello socket\n", "\(upgraded)")
            let body = String(repeating: "x", count: 2000)
            #expect(try await host.get("app.example.org", "/api/", http: false, "-d", body).body == "2000")
            #expect(try await host.get("app.example.org", "/api/", http: false, "-d", body + body).status == 413)
            #expect(try await host.get("api.example.org", "/", http: false, "-d", body + body).body == "4000")
            #expect(try await host.get("app.example.org", "/api/slow").status == 504)
            #expect(try await host.body("api.example.org", "/api/slow").hasPrefix("slot1 /api/slow"))
            // Of a body that has not come yet the service sees what there is, where nginx does not hold it back.
            for (domain, status) in [("app.example.org", "200"), ("api.example.org", "")] {
                let early = """
                    (printf 'POST /api/early HTTP/1.1\\r\\nHost: \(domain)\\r\\nContent-Length: 100\\r\\n\\r\\n12345'
                    sleep 3) | openssl s_client -quiet -connect 127.0.0.1:\(host.https) -servername \(domain) 2>/dev/null
                    """
                let seen = try await host.run("sh", ["-c", early])
                let first = String(decoding: seen.output, as: UTF8.self).split(separator: " ").dropFirst().first ?? ""
                #expect(first == status[...], "\(domain): \(String(decoding: seen.output, as: UTF8.self))")
            }
            withExtendedLifetime(server) {}
        }
    }

    @Test("maintenance answers 503 with its page and Retry-After, at once and without a reload")
    func maintenance() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            try host.write("closed\n", to: "home/shop/maintenance/index.html")
            for path in ["/", "/index.html", "/deep/path", "/.env"] {
                let answer = try await host.get("app.example.org", path)
                #expect(answer.status == 503 && answer.body == "closed\n", "\(path): \(answer)")
                #expect(answer.head.contains("retry-after: 300") && answer.head.contains("cache-control: no-store"))
                #expect(answer.head.contains("content-type: text/html"), "\(answer.head)")
                #expect(answer.head.contains("strict-transport-security"))
            }
            let posted = try await host.get("app.example.org", "/", http: false, "-d", "x=1")
            #expect(posted.status == 503 && posted.head.contains("retry-after: 300"), "\(posted)")
            #expect(try await host.get("app.example.org", "/", http: true).status == 301)
            unlink("\(host.home)/shop/maintenance/index.html")
            #expect(try await host.body("app.example.org") == "page of it\n")
        }
    }

    @Test("each app has logs of its own, which its user reads and others do not")
    func logs() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            try await host.serve("blog", "blog.example.org")
            _ = try await host.get("app.example.org", "/only-here")
            let lines = try #require(host.text("logs/shop/access.log"))
            #expect(lines.contains("GET /only-here") && lines.contains("\"\(host.home)/shop/releases/r1\""), "\(lines)")
            #expect(host.text("logs/blog/access.log") == "")
            var status = stat()
            #expect(stat("\(host.root)/logs/shop/access.log", &status) == 0 && status.st_mode & 0o777 == 0o640)
            #expect(stat("\(host.root)/logs/shop", &status) == 0 && status.st_mode & 0o777 == 0o751)
        }
    }
}
