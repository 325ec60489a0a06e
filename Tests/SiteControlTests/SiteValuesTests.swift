import Foundation
import ReleaseModel
import Testing

/// A22, A27: what the apps' user may write into `site.json`.
@Suite("Values of a site")
struct SiteValuesTests {
    static func whole() throws -> SiteValues {
        let api = try ServiceName("api")
        return try SiteValues(
            app: AppName("shop"),
            sites: [
                Site(
                    domain: Domain("app.example.org"), redirectFrom: [Domain("www.example.org")],
                    root: ReleasePath("web/dist"), spa: true, immutable: URLPrefix("/assets/"),
                    routes: [Route(prefix: URLPrefix("/api/"), service: api)], bodySize: ByteSize("8M"),
                    timeout: TimeLimit("90s"), requestBuffering: false)
            ],
            services: [SiteBackend(name: api, ports: [[20001], [20002], [20003]])],
            shared: [ReleasePath("web/dist/media"), ReleasePath("storage")])
    }

    static func text() throws -> String { String(decoding: try whole().bytes, as: UTF8.self) }

    @Test("what is written is read again")
    func roundTrip() throws {
        let values = try Self.whole()
        #expect(try SiteValues(values.bytes) == values)
        #expect(values.domains.map(\.text) == ["app.example.org", "www.example.org"])
        #expect(values.ports == [20001, 20002, 20003])
        // What no site serves is no part of them, nor a key where there is none.
        #expect(try values.shared == [ReleasePath("web/dist/media")])
        let older = try Self.text().replacing(/,\n  "shared" : \[[^\]]*\]/, with: "")
        #expect(try SiteValues(Array(older.utf8)).shared == nil)
    }

    /// Each takes a part of the good text and puts another in its place.
    static let hostile: [(String, String)] = [
        // Directives through every text that is rendered.
        (#""app.example.org""#, #""a; } server { root /; } #""#),
        (#""app.example.org""#, #""app.example.org; return 200 x""#),
        (#""app.example.org""#, #""app.example.org\nroot /;""#),
        (#""app.example.org""#, #""*.example.org""#), (#""app.example.org""#, #""~^.*$""#),
        (#""app.example.org""#, #""_""#), (#""app.example.org""#, #""""#),
        (#""app.example.org""#, #""APP.example.org""#), (#""app.example.org""#, #""$host""#),
        (#""app.example.org""#, #""app.example.org\u0000""#), (#""app.example.org""#, #""ａpp.example.org""#),
        (#""app.example.org""#, #""app..example.org""#), (#""app.example.org""#, #""-app.example.org""#),
        (#""app.example.org""#, #""www.example.org""#), (#""app.example.org""#, "null"),
        (#""app.example.org""#, #"["app.example.org"]"#),
        (#""www.example.org""#, #""www.example.org\" default_server""#), (#""www.example.org""#, #""x{y""#),
        (#""web/dist""#, #""../../etc""#), (#""web/dist""#, #""/etc""#), (#""web/dist""#, #""web/../.git""#),
        (#""web/dist""#, #"".pmo""#), (#""web/dist""#, #""web\ndist""#), (#""web/dist""#, #""web\\dist""#),
        (#""web/dist""#, #""""#), (#""web/dist""#, #""./web/dist/""#),
        (#""/assets/""#, #""/assets/ { } location /""#), (#""/assets/""#, #""/assets/\"; root \"/etc""#),
        (#""/assets/""#, #""/""#), (#""/assets/""#, #""/api/""#), (#""/assets/""#, #""/assets""#),
        (#""/api/""#, #""= /api/""#), (#""/api/""#, #""/api/../etc/""#), (#""/api/""#, #""@root""#),
        (#""/api/""#, #""/api/ {""#), (#""/api/""#, #""~ \\.php$""#),
        (#""service" : "api""#, #""service" : "http://10.0.0.1""#), (#""service" : "api""#, #""service" : "worker""#),
        (#""service" : "api""#, #""service" : "api/../../x""#),
        (#""name" : "api""#, #""name" : "api; }""#), (#""name" : "api""#, #""name" : """#),
        (#""shop""#, #""shop/../other""#), (#""shop""#, #""default""#), (#""shop""#, #""-rf""#),
        ("20001", "80"), ("20001", "70000"), ("20001", "-1"), ("20001", "20002"), ("20001", "20001.5"),
        ("20001", "\"20001\""), ("20001", "2.0001e4"), ("20001", ""), ("20001", "20001, 20001"),
        (#""8M""#, #""8M; root /""#), (#""8M""#, #""-1""#), (#""8M""#, "8"), (#""8M""#, #""0""#),
        (#""90s""#, #""90s; }""#), (#""90s""#, #""2h""#), (#""90s""#, #""0s""#),
        (#""requestBuffering" : false"#, #""requestBuffering" : "off; root /""#),
        (#""spa" : true"#, #""spa" : 1"#),
        // Keys that nobody knows, keys twice, another order, another form.
        (#""app" : "shop","#, #""app" : "shop", "raw" : "root /;","#),
        (#""app" : "shop","#, #""app" : "shop", "app" : "shop","#),
        (#""spa" : true"#, #""spa" : true, "headers" : "X: y""#),
        (#"dist/media""#, #"dist/../..""#), (#"dist/media""#, #"dist/media", "web/dist/media""#),
        (#""web/dist/media""#, ""), (#""web/dist/media""#, #"".""#),
        (#""sockets" : 0"#, #""sockets" : 1"#), (#""sockets" : 0"#, #""sockets" : 0, "unix" : "/run/docker.sock""#),
        (#""app" : "shop""#, #""app"  : "shop""#), ("{\n", "{"), ("}\n", "}\n\n"), ("}\n", "}\n{}"),
        ("[20001]", "[]"), (#""ports""#, #""Ports""#),
    ]

    @Test("A22: another text in any place is refused", arguments: hostile.indices)
    func refused(_ index: Int) throws {
        let (old, new) = Self.hostile[index]
        let good = try Self.text()
        let flat = good
        let from = old == "[20001]" ? "[\n          20001\n        ]" : old
        // The end of the text is meant, not every line that ends so.
        let bad: String
        if old.hasPrefix("}") {
            bad = String(flat.dropLast(2)) + new
        } else {
            let place = try #require(flat.ranges(of: from).first, "nothing says \(old) in \(flat)")
            bad = flat.replacingCharacters(in: place, with: new)
        }
        #expect(bad != good)
        #expect(throws: InvalidValue.self, "took \(new) for \(old)") { try SiteValues(Array(bad.utf8)) }
    }

    @Test(
        "what is no JSON of ours is refused",
        arguments: [
            "", "{", "[]", "null", "\u{0}", "{}", #"{"app":"shop","services":[],"sites":[]}"#,
            String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 40_000), "\u{FEFF}{}",
        ])
    func noJSON(_ text: String) {
        #expect(throws: InvalidValue.self) { try SiteValues(Array(text.utf8)) }
    }

    @Test("more than 256 KiB is refused unread")
    func huge() {
        let error = #expect(throws: InvalidValue.self) {
            try SiteValues([UInt8](repeating: UInt8(ascii: " "), count: SiteValues.longest + 1))
        }
        #expect(error?.rule.contains("at most 262144") == true)
    }

    @Test("a site too many, a service too many and a route too many are refused")
    func counts() throws {
        let sites = try (0...64).map { Site(domain: try Domain("d\($0).example.org"), root: .root) }
        #expect(throws: InvalidValue.self) { try SiteValues(app: AppName("shop"), sites: sites, services: []) }
        for count in [64, 136, 137] {
            var all = Array(sites.prefix(64))
            for number in 0..<count { all[number / 8].redirectFrom.append(try Domain("r\(number).example.org")) }
            let values = try? SiteValues(app: AppName("shop"), sites: all, services: [])
            #expect((values == nil) == (64 + count > SiteValues.mostDomains), "\(count)")
        }
        let services = try (0...64).map { SiteBackend(name: try ServiceName("s\($0)"), sockets: 1) }
        #expect(throws: InvalidValue.self) {
            try SiteValues(app: AppName("shop"), sites: Array(sites.prefix(1)), services: services)
        }
        let routes = try (0...100).map { Route(prefix: try URLPrefix("/r\($0)"), service: services[0].name) }
        #expect(throws: InvalidValue.self) {
            try SiteValues(
                app: AppName("shop"), sites: [Site(domain: sites[0].domain, routes: routes)],
                services: Array(services.prefix(1)))
        }
    }
}
