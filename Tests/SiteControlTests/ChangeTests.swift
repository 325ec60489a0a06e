import FailPoints
import Foundation
import Glibc
import HostCertificates
import HostControl
import ReleaseModel
import Testing

/// What becomes of a change of the host's nginx that cannot be made, and whose fault is told.
@Suite("A change of the host's nginx", .timeLimit(.minutes(10)))
struct ChangeTests {
    @Test("F33: nothing of a copy is left, and the values of an app are tested without being served")
    func candidate() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            let live = host.text("nginx/pmo-release/shop.conf")
            try host.want(.page("shop", "new.example.org"), candidate: true)
            #expect(try await host.helper("site", "test", "shop").status == 0)
            #expect(host.text("nginx/pmo-release/shop.conf") == live)
            #expect(try await host.get("new.example.org").status == 421)
            #expect(try FileManager.default.contentsOfDirectory(atPath: host.root + "/state/stages") == [])
            #expect(try await host.helper("site", "test").status == 0)
        }
    }

    @Test("F34, G17: somebody else's broken file is named; what is served stays, and goes on once it is corrected")
    func foreign() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            let live = host.text("nginx/pmo-release/shop.conf")
            let broken = "\(host.prefix)/sites-enabled/other"
            for (text, sentence) in [
                ("server { listen 127.0.0.1:\(host.http); server_name x.example; rot /; }\n", "unknown directive"),
                ("server { listen 127.0.0.1:\(host.http);\n", "unexpected end of file"),
                (
                    "server { listen 127.0.0.1:\(host.https) ssl; ssl_certificate /etc/none.pem; ssl_certificate_key /etc/none.pem; }\n",
                    "cannot load certificate"
                ),
                ("include \(host.prefix)/snippets/gone.conf;\n", "gone.conf"),
            ] {
                try host.write(text, to: "nginx/sites-enabled/other")
                try host.want(.page("shop", "new.example.org"))
                let answer = try await host.helper("site", "apply", "shop")
                #expect(answer.status == 1, "\(answer)")
                #expect(answer.error.contains(broken) && answer.error.contains(sentence), "\(answer)")
                #expect(host.text("nginx/pmo-release/shop.conf") == live)
                #expect(try await host.body("app.example.org") == "page of it\n")
                let all = try await host.helper("site", "test")
                #expect(all.status == 1 && all.error.contains(broken), "\(all)")
            }
            unlink(broken)
            #expect(try await host.helper("site", "apply", "shop").status == 0)
            #expect(try await host.body("new.example.org") == "page of it\n")
        }
    }

    @Test("a site is taken away also while another's file is broken")
    func removal() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            try await host.serve("blog", "blog.example.org")
            #expect(try await host.helper("site", "remove", "blog").status == 0)
            #expect(try await host.get("blog.example.org").status == 421)
            try host.write("nonsense;\n", to: "nginx/sites-enabled/other")
            let answer = try await host.helper("site", "remove", "shop")
            #expect(answer.status == 0 && answer.notices.first?.contains("sites-enabled/other") == true, "\(answer)")
            #expect(!host.exists("nginx/pmo-release/shop.conf") && !host.exists("state/sites/shop.json"))
            #expect(try await host.helper("site", "remove", "shop").status == 0, "there is nothing left to do")
        }
    }

    @Test("F35: a certificate that somebody has removed keeps no other app from a change")
    func missingCertificate() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            try await host.serve("blog", "blog.example.org")
            try FileManager.default.removeItem(atPath: "\(host.root)/state/certificates/blog.example.org")
            try host.want(.page("shop", "new.example.org"))
            let answer = try await host.helper("site", "apply", "shop")
            #expect(answer.status == 0, "\(answer)")
            #expect(try await host.body("new.example.org") == "page of it\n")
            #expect(try await host.body("blog.example.org") == "page of it\n")
            #expect(try await host.helper("cert", "status", "blog").certificates.map(\.state) == [.placeholder])
            kill(try #require(host.nginxPid), SIGTERM)
            for _ in 0..<600 where host.nginxPid != nil { try await Task.sleep(for: .milliseconds(100)) }
            try #require(host.nginxPid == nil)
            let down = try await host.helper("cert", "status", "blog")
            #expect(down.status == 1 && down.error.contains("nginx does not run"), "\(down)")
        }
    }

    @Test("a certificate of the operator's own stays where certbot renews another one")
    func ownCertificate() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            let issued = String(decoding: try Placeholder.pair(for: "app.example.org"), as: UTF8.self)
            let own = String(decoding: try Placeholder.pair(for: "app.example.org"), as: UTF8.self)
            let pair = "state/certificates/app.example.org/pair.pem"
            let start = try #require(issued.ranges(of: "-----BEGIN CERTIFICATE").first?.lowerBound)
            try host.write(String(issued[..<start]), to: "letsencrypt/live/pmo-shop/privkey.pem")
            try host.write(String(issued[start...]), to: "letsencrypt/live/pmo-shop/fullchain.pem")
            let lineage = ["RENEWED_LINEAGE": "\(host.root)/letsencrypt/live/pmo-shop"]
            let first = try await host.helper("cert", "deployed", environment: lineage)
            #expect(first.status == 0 && host.text(pair) == issued, "\(first)")
            #expect(try await host.helper("cert", "status", "shop").certificates.map(\.isRenewed) == [true])

            let installed = try await host.helper("cert", "install", "shop", input: own)
            #expect(installed.status == 0 && installed.notices.count == 1, "\(installed)")
            let second = try await host.helper("cert", "deployed", environment: lineage)
            #expect(second.status == 0 && second.notices.first?.contains("keeps its own") == true, "\(second)")
            #expect(host.text(pair) == own)
            #expect(try await host.helper("cert", "status", "shop").certificates.map(\.isRenewed) == [false])
        }
    }

    @Test("of two apps, the file of one that somebody has broken is named for the other one")
    func twoApps() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            try await host.serve("blog", "blog.example.org")
            try host.write("server { listen nowhere; }\n", to: "nginx/pmo-release/blog.conf")
            try host.want(.page("shop", "new.example.org"))
            let answer = try await host.helper("site", "apply", "shop")
            #expect(answer.status == 1 && answer.error.contains("nginx/pmo-release/blog.conf"), "\(answer)")
            #expect(try await host.body("app.example.org") == "page of it\n")
            #expect(try await host.body("blog.example.org") == "page of it\n")
            let healed = try await host.helper("site", "apply", "blog")
            #expect(healed.status == 0, "the app's own apply puts its file right: \(healed)")
            #expect(try await host.helper("site", "apply", "shop").status == 0)
            #expect(try await host.body("new.example.org") == "page of it\n")
        }
    }

    @Test("A27: a domain or a port that another app has is refused, in whatever role")
    func taken() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            let api = try ServiceName("api")
            func values(_ app: String, _ domain: String, _ from: [String], port: Int) throws -> SiteValues {
                try SiteValues(
                    app: AppName(app),
                    sites: [
                        Site(
                            domain: Domain(domain), redirectFrom: from.map { try Domain($0) },
                            routes: [Route(prefix: .root, service: api)])
                    ], services: [SiteBackend(name: api, ports: [[port], [port + 1], [port + 2]])])
            }
            try host.want(values("shop", "app.example.org", ["www.example.org"], port: 29_000))
            #expect(try await host.helper("site", "apply", "shop").status == 0)
            try host.app("blog")
            for (domain, from, port) in [
                ("app.example.org", [], 29_010), ("www.example.org", [], 29_010),
                ("blog.example.org", ["app.example.org"], 29_010), ("blog.example.org", ["www.example.org"], 29_010),
                ("blog.example.org", [], 29_002),
            ] {
                for isCandidate in [true, false] {
                    try host.want(values("blog", domain, from, port: port), candidate: isCandidate)
                    let answer = try await host.helper("site", isCandidate ? "test" : "apply", "blog")
                    #expect(answer.status == 3 && answer.error.contains("is another app's"), "\(answer)")
                    #expect(!answer.error.contains("shop"), "whose it is, is not told (A36)")
                }
            }
            #expect(!host.exists("nginx/pmo-release/blog.conf"))
            try host.want(values("blog", "blog.example.org", [], port: 29_010))
            #expect(try await host.helper("site", "apply", "blog").status == 0)
            #expect(try await host.helper("site", "remove", "shop").status == 0)
            try host.want(values("blog", "app.example.org", [], port: 29_010))
            #expect(try await host.helper("site", "apply", "blog").status == 0, "it is free now")
        }
    }

    @Test("a domain that a site of the host has is refused, and its file named", arguments: ["", "."])
    func foreignDomain(_ dot: String) async throws {
        try await RootHost.with { host in
            try host.write(
                "server { listen 127.0.0.1:\(host.http); server_name \(dot)old.example.org; return 200 old; }\n",
                to: "nginx/sites-enabled/old")
            try host.app("shop")
            try host.want(.page("shop", "old.example.org"))
            let answer = try await host.helper("site", "apply", "shop")
            #expect(answer.status == 3 && answer.error.contains("old.example.org"), "\(answer)")
            #expect(answer.error.contains("nginx/sites-enabled/old"), "\(answer)")
        }
    }

    @Test("the default server and the table sizes of others are left as they are")
    func others() async throws {
        try await RootHost.with { host in
            try host.write(
                """
                server_names_hash_bucket_size 256;
                server { listen 127.0.0.1:\(host.http) default_server; server_name _; return 200 "theirs"; }

                """, to: "nginx/sites-enabled/theirs")
            try await host.serve("shop", "app.example.org")
            #expect(try await host.get("evil.example", http: true).body == "theirs")
            #expect(try await host.get("evil.example").status == 421)
            #expect(try await host.body("app.example.org") == "page of it\n")
            // Once it is gone, nobody's site answers in its place.
            unlink("\(host.root)/nginx/sites-enabled/theirs")
            kill(try #require(host.nginxPid), SIGHUP)
            for _ in 0..<600 where try await host.get("evil.example", http: true).body == "theirs" {
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(try await host.get("evil.example", http: true).status == 421)
            #expect(try await host.get("evil.example").status == 421)
        }
    }

    @Test("a configuration that leaves out what is ours is told so, and how it reads it")
    func notIncluded() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            let text = try #require(host.text("nginx/nginx.conf"))
            try host.write(text.replacing("/conf.d/*.conf", with: "/conf.none/*.conf"), to: "nginx/nginx.conf")
            try host.want(.page("shop", "new.example.org"))
            let answer = try await host.helper("site", "apply", "shop")
            #expect(answer.status == 3 && answer.error.contains("nothing includes it"), "\(answer)")
            #expect(try await host.body("app.example.org") == "page of it\n")
        }
    }

    @Test("a port that another program has is named, with who has it, and nothing is changed")
    func portTaken() async throws {
        for isRunning in [false, true] {
            try await RootHost.with { host in
                if isRunning { try await host.startNginx() }
                let server = try PythonServer(
                    """
                    import socket, sys, time
                    server = socket.socket()
                    server.bind(("127.0.0.1", int(sys.argv[1])))
                    server.listen()
                    print("ready", flush=True)
                    time.sleep(600)
                    """, ["\(host.http)"], in: host.root)
                try host.app("shop")
                try host.want(.page("shop", "app.example.org"))
                let answer = try await host.helper("site", "apply", "shop")
                #expect(answer.status == 1, "\(answer)")
                #expect(answer.error.contains("port \(host.http) is taken by python3"), "\(answer)")
                #expect(!host.exists("nginx/pmo-release/shop.conf") && !host.exists("state/sites/shop.json"))
                withExtendedLifetime(server) {}
            }
        }
    }

    @Test("killed at each step, the old site serves, and the next change puts everything right")
    func killed() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "old.example.org")
            let live = host.text("nginx/pmo-release/shop.conf")
            let record = host.text("state/sites/shop.json")
            let points = FailPoint.allCases.filter { $0.rawValue.hasPrefix("root.") }
            #expect(points.count == 7)
            for point in points {
                try host.want(.page("shop", "new.example.org"))
                let killed = try await host.helper(
                    "site", "apply", "shop", environment: ["PMO_FAIL": "\(point.rawValue):kill"])
                #expect(killed.status == 137, "\(point): \(killed)")
                // Some site of the app's serves all the time.
                let statuses = [
                    try await host.get("old.example.org").status, try await host.get("new.example.org").status,
                ]
                #expect(statuses.contains(200), "\(point): \(statuses)")
                let next = try await host.helper("site", "test")
                #expect(next.status == 0, "\(point): \(next)")
                #expect(host.text("nginx/pmo-release/shop.conf") == live, "\(point)")
                #expect(host.text("state/sites/shop.json") == record, "\(point)")
                #expect(try await host.body("old.example.org") == "page of it\n", "\(point)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: host.root + "/state/undo") == [])
            }
            for point in points.dropLast() {
                let failed = try await host.helper(
                    "site", "apply", "shop", environment: ["PMO_FAIL": "\(point.rawValue):enospc"])
                #expect(failed.status == 1 && failed.error.contains("no space left"), "\(point): \(failed)")
                #expect(host.text("nginx/pmo-release/shop.conf") == live, "\(point)")
                #expect(try await host.body("old.example.org") == "page of it\n", "\(point)")
            }
            #expect(try await host.helper("site", "apply", "shop").status == 0)
            #expect(try await host.body("new.example.org") == "page of it\n")
            #expect(try await host.get("old.example.org").status == 421)
        }
    }

    @Test("what all sites share is set up before the first app, and taken away behind the last")
    func setUp() async throws {
        try await RootHost.with { host in
            #expect(try await host.helper("setup").status == 0)
            try await host.startNginx()
            #expect(try await host.get("evil.example").status == 421)
            try await host.serve("shop", "app.example.org")
            #expect(try await host.helper("teardown").status == 0)
            #expect(!host.exists("nginx/pmo-release") && !host.exists("nginx/conf.d/pmo-release.conf"))
            let test = try await ProcessRunner().run(
                Command(executable: "nginx", arguments: ["-t", "-q", "-c", host.prefix + "/nginx.conf"]))
            #expect(test.succeeded, "\(test.problem)")
        }
    }

    @Test("Debian's example page is turned off as it came, and comes back; one that was changed stays")
    func example() async throws {
        let example = """
            server {
            \tlisten 80 default_server;
            \tlisten [::]:80 default_server;
            \troot /var/www/html;
            \tindex index.html index.htm index.nginx-debian.html;
            \tserver_name _;
            \tlocation / {
            \t\ttry_files $uri $uri/ =404;
            \t}
            }

            """
        for (text, isOff) in [
            (example, true), (example + "# mine\n", true), (example.replacing("_;", with: "me;"), false),
        ] {
            try await RootHost.with { host in
                try host.write(text, to: "nginx/sites-available/default")
                symlink(host.prefix + "/sites-available/default", host.prefix + "/sites-enabled/default")
                let answer = try await host.helper("setup")
                #expect(answer.status == 0, "\(answer)")
                #expect(host.exists("nginx/sites-enabled/default") == !isOff, "\(answer)")
                #expect(try await host.helper("teardown").status == 0)
                #expect(host.exists("nginx/sites-enabled/default"))
            }
        }
    }
}
