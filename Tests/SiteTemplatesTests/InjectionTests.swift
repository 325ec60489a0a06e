import ReleaseModel
import SiteTemplates
import Testing

@Suite("Values cannot leave their place")
struct InjectionTests {
    private let badPaths = ["/srv/$host", "/srv/a\nb", "/srv/a\u{0}b", "/srv/\u{1b}", "/srv/a\rb"]

    @Test(
        "A22: a path that nginx would read otherwise is refused",
        arguments: ["/srv/$host", "/srv/a\nb", "/srv/a\u{0}b", "/srv/a\rb"])
    func nginxPaths(_ path: String) throws {
        #expect(throws: TemplateError.self) { try SiteTemplates.site(.sample(root: path)) }
        #expect(throws: TemplateError.self) { try SiteTemplates.nginx(.sample(directory: path)) }
    }

    @Test("A22: a path with quotes, backslashes, spaces and semicolons stays one word")
    func nginxQuotes() throws {
        let text = try SiteTemplates.site(.sample(root: "/srv/a b\"; } evil { \\"))
        #expect(text.contains("root \"/srv/a b\\\"; } evil { \\\\/current/apps/web/dist\";"))
    }

    @Test(
        "A22: addresses, ports, users and generations are words",
        arguments: [
            ("127.0.0.1; }", 80, "u", "g"), ("", 80, "u", "g"), ("localhost", 80, "u", "g"), ("::1", 0, "u", "g"),
            ("::1", 65_536, "u", "g"),
            ("::1", 80, "u; }", "g"), ("::1", 80, "", "g"), ("::1", 80, "u", "\"; evil"), ("::1", 80, "u", "$x"),
            ("::1", 80, "u", ""),
            ("::1", 80, "-u", "g"), ("::1", 80, "u\n", "g"),
        ])
    func nginxWords(_ address: String, _ port: Int, _ user: String, _ generation: String) {
        var context = NginxContext.sample(directory: "/x", user: user, port: port)
        context.listenAddress = address
        context.generation = generation
        #expect(throws: TemplateError.self) { try SiteTemplates.nginx(context) }
    }

    @Test("A22: a sites directory that would be a pattern is refused", arguments: ["/a*b", "/a?b", "/a[b"])
    func pattern(_ path: String) {
        var context = NginxContext.sample(directory: "/x")
        context.sitesDirectory = path
        #expect(throws: TemplateError.self) { try SiteTemplates.nginx(context) }
    }

    @Test("an IPv6 address is put in brackets")
    func ipv6() throws {
        var context = NginxContext.sample(directory: "/x")
        context.listenAddress = "::1"
        #expect(try SiteTemplates.nginx(context).contains("listen [::1]:8080 default_server;"))
    }

    @Test("a site without a domain, and a route to a service that does not listen, are refused")
    func unresolved() throws {
        var context = try SiteContext.sample()
        context.services.removeFirst()
        #expect(throws: TemplateError.self) { try SiteTemplates.site(context) }
        context = try SiteContext.sample()
        context.sites = [Site(domain: nil, root: .root)]
        #expect(throws: TemplateError.self) { try SiteTemplates.site(context) }
    }

    @Test(
        "the redirect tells the port only where it is not the usual one",
        arguments: [(80, "https"), (443, "https"), (8080, "x")])
    func redirectPort(_ port: Int, _ scheme: String) throws {
        let text = try SiteTemplates.site(.sample(port: port))
        #expect(text.contains("return 301 $scheme://app.example.org\(port == 8080 ? ":8080" : "")$request_uri;"))
    }

    @Test("no two pairs of app and service get one variable")
    func variables() throws {
        func variable(_ app: String, _ service: String) throws -> Substring? {
            var context = try SiteContext.sample()
            context.app = try AppName(app)
            let name = try ServiceName(service)
            context.sites = []
            context.services = [SiteService(name: name, slots: [SlotNumber.allCases[0]: [.port(20_001)]])]
            return try SiteTemplates.site(context).split(separator: "\n").first { $0.hasPrefix("map $realpath_root") }
        }
        let pairs = [
            ("a-b", "dx"), ("a", "db-x"), ("a", "b-dx"), ("a-b", "x"), ("a", "b-x"), ("a", "b_x"), ("a", "db_x"),
            ("a-0b", "c"), ("a", "d0b_0c"),
        ]
        let names = try pairs.map { try variable($0.0, $0.1) }
        #expect(Set(names).count == pairs.count)
    }

    @Test(
        "A23: a unit's text that a line, a specifier or a continuation could end is refused or escaped",
        arguments: [
            "/srv/a\nExecStart=/bin/sh", "/srv/a\\", "/srv/a\\b", " /srv/a", "/srv/a ", "", "a/b", "/srv/a\u{0}",
        ])
    func units(_ path: String) {
        let context = SystemdContext(description: "x", directory: path, logDirectory: "/l", isUser: true)
        let description = SystemdContext(description: "a\n[Service]", directory: "/a", logDirectory: "/l", isUser: true)
        #expect(throws: TemplateError.self) { try SiteTemplates.systemdUnit(description) }
        // A trailing space is inside the program's path, but at the end of the working directory.
        #expect(throws: TemplateError.self) { try SiteTemplates.systemdUnit(context) }
    }

    @Test("A23: specifiers and variables in a unit's paths are doubled")
    func unitEscapes() throws {
        let text = try SiteTemplates.systemdUnit(
            SystemdContext(description: "100%h", directory: "/srv/a b/%h/$x\"", logDirectory: "/l%n", isUser: true))
        #expect(text.contains("Description=100%%h\n"))
        #expect(text.contains("ExecStart=\"/srv/a b/%%h/$$x\\\"/run\"\n"))
        #expect(text.contains("WorkingDirectory=/srv/a b/%%h/$x\"\n"))
        #expect(text.contains("StandardOutput=append:/l%%n/current\n"))
        #expect(text.contains("WantedBy=default.target\n") && !text.contains("PrivateTmp"))
    }

    @Test("systemd takes the unit", .enabled(if: (try? shellStatus("command -v systemd-analyze").0) == 0))
    func systemdTakesIt() throws {
        let directory = try TemporaryDirectory("a b%h")
        try directory.write("#!/bin/sh\n", to: "run", mode: 0o755)
        let context = SystemdContext(
            description: "100% it's", directory: directory.path, logDirectory: directory.path,
            memory: try ByteSize("64M"),
            stop: StopRule(signal: .winch, within: try TimeLimit("1500ms")), isUser: false)
        try directory.write(try SiteTemplates.systemdUnit(context), to: "pmo-test.service")
        let (status, output) = try shellStatus("systemd-analyze verify \"\(directory.path)/pmo-test.service\"")
        #expect(!output.contains("pmo-test.service:"), "said: \(output)")
        #expect(status == 0 || !output.isEmpty)
    }
}
