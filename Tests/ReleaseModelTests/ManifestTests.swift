import FoundationEssentials
import ReleaseModel
import Testing

@Suite("A manifest is read into its types")
struct ManifestTests {
    private static let platform = """
        app: pmo
        branch: main
        build:                                # in order
          - run: pnpm install --frozen-lockfile
          - run: |
              pnpm --filter web build
              pnpm --filter api build
            within: 10m
        env:
          defaults: { NODE_ENV: production, WORKERS: 4, GREETING: "it's \\"fine\\"\\n", RATIO: 0.50 }
          required: [DATABASE_URL, JWT_SECRET]
          files: { apps/api/.env: apps/api/.env.template }
        services:
          worker: { directory: apps/pubsub, command: node dist/worker.js }
          api:
            directory: apps/api
            command: node dist/server.js
            instances: 2
            health: { path: /api/health, expect: '"status":"ok"', within: 30s, status: 200-299, passes: 3 }
            memory: 512M
            cpus: 1.5
            tasks: 200
            stop: { signal: INT, within: 20s }
        sites:
          app.example.org:
            redirect-from: [www.example.org]
            root: apps/web/dist
            spa: true
            immutable: /assets/
            routes: { /api/: api }
          api.example.org: { routes: { /: api } }
        database:
          migrate: ./tools/db-import.sh
        shared: [uploads, apps/api/data]
        keep: 7
        environments:
          staging: { app: pmo-staging, keep: 2, services: { api: { instances: 1 } }, env: { required: [ONLY_HERE] } }
        """
    private static let files = ["apps/api/.env.template": ""]

    @Test("the manifest of the design page is read whole")
    func whole() throws {
        let manifest = try Manifest.parse(Self.platform, with: Self.files)
        #expect(manifest.origin == .file)
        #expect(manifest.app?.text == "pmo")
        #expect(manifest.branch?.text == "main")
        #expect(
            manifest.build.map(\.run) == [
                "pnpm install --frozen-lockfile", "pnpm --filter web build\npnpm --filter api build\n",
            ])
        #expect(manifest.build.map(\.within.text) == ["900s", "10m"])
        #expect(
            manifest.environment.defaults == [
                try EnvironmentKey("NODE_ENV"): "production", try EnvironmentKey("WORKERS"): "4",
                try EnvironmentKey("GREETING"): "it's \"fine\"\n", try EnvironmentKey("RATIO"): "0.50",
            ])
        #expect(manifest.environment.required.map(\.text) == ["DATABASE_URL", "JWT_SECRET"])
        #expect(manifest.environment.files.map(\.target.text) == ["apps/api/.env"])
        #expect(manifest.migrate == "./tools/db-import.sh")
        #expect(manifest.shared.map(\.text) == ["uploads", "apps/api/data"])
        #expect(manifest.keep == 7)
    }

    @Test("services are ordered by name and have what the file says")
    func services() throws {
        let services = try Manifest.parse(Self.platform, with: Self.files).services
        #expect(services.map(\.name.text) == ["api", "worker"])
        let api = try #require(services.first)
        #expect(api.instances == 2)
        #expect(api.listen == .port)
        #expect(api.memory?.bytes == 512 << 20)
        #expect(api.cpus?.percent == 150)
        #expect(api.tasks == 200)
        #expect(api.stop == StopRule(signal: .int, within: TimeLimit(seconds: 20)))
        var health = HealthCheck(path: "/api/health", expect: "\"status\":\"ok\"", status: 200...299, passes: 3)
        health.within = TimeLimit(seconds: 30)
        #expect(api.health == health)
        #expect(services[1].listen == .none)
        #expect(services[1].directory.text == "apps/pubsub")
    }

    @Test("sites are ordered by domain and have what the file says")
    func sites() throws {
        let sites = try Manifest.parse(Self.platform, with: Self.files).sites
        #expect(sites.map(\.domain?.text) == ["api.example.org", "app.example.org"])
        #expect(sites[1].redirectFrom.map(\.text) == ["www.example.org"])
        #expect(sites[1].root?.text == "apps/web/dist")
        #expect(sites[1].spa)
        #expect(sites[1].immutable?.text == "/assets/")
        #expect(sites[1].routes.map(\.prefix.text) == ["/api/"])
    }

    @Test("an environment is merged over the base, key by key, and an unknown one is the base")
    func environments() throws {
        let staging = try Manifest.parse(Self.platform, environment: "staging", with: Self.files)
        #expect(staging.app?.text == "pmo-staging")
        #expect(staging.keep == 2)
        #expect(staging.services[0].instances == 1)
        #expect(staging.services[0].command == "node dist/server.js")
        #expect(staging.environment.required.map(\.text) == ["ONLY_HERE"])
        let base = try Manifest.parse(Self.platform, with: Self.files)
        #expect(try Manifest.parse(Self.platform, environment: "other", with: Self.files) == base)
    }

    @Test("a manifest survives being stored as JSON")
    func stored() throws {
        let manifest = try Manifest.parse(Self.platform, with: Self.files)
        let data = try JSONEncoder().encode(manifest)
        #expect(try JSONDecoder().decode(Manifest.self, from: data) == manifest)
    }

    @Test(
        "a service listens when it has a health path, a route, or says so",
        arguments: [
            ("{ command: x }", "a.example: { routes: { /: web } }", Listen.port),
            ("{ command: x, health: { path: / } }", "a.example: { root: p }", Listen.port),
            ("{ command: x, listen: socket }", "a.example: { routes: { /: web } }", Listen.socket),
            ("{ command: x, listen: port }", "a.example: { root: p }", Listen.port),
            ("{ command: x }", "a.example: { root: p }", Listen.none),
            ("{ command: x, listen: none }", "a.example: { root: p }", Listen.none),
        ])
    func listens(_ service: String, _ site: String, _ expected: Listen) throws {
        let manifest = try Manifest.parse("services: { web: \(service) }\nsites: { \(site) }")
        #expect(manifest.services.map(\.listen) == [expected])
    }

    @Test(
        "without sites, `web` or the only service that listens gets the app's domain",
        arguments: [
            ("web: { command: x }\n  job: { command: y, health: { path: / } }", "web"),
            ("api: { command: x, listen: port }\n  job: { command: y }", "api"),
            ("api: { command: x, health: { path: / } }", "api"),
            ("api: { command: x }", nil),
            ("web: { command: x, listen: none }", nil),
            ("a: { command: x, listen: port }\n  b: { command: y, listen: port }", nil),
        ])
    func impliedSite(_ services: String, _ service: String?) throws {
        let manifest = try Manifest.parse("services:\n  \(services)")
        #expect(manifest.sites.first?.routes.first?.service.text == service)
        #expect(manifest.sites.allSatisfy { $0.domain == nil })
        let reached = manifest.services.filter { $0.name.text == service }.map(\.listen)
        #expect(service == nil || reached == [.port])
    }

    @Test("`default` stands for the app's own domain")
    func ownDomain() throws {
        let manifest = try Manifest.parse("sites: { default: { root: . } }")
        #expect(manifest.sites == [Site(domain: nil, root: .root)])
    }

    @Test("the same file is read with CRLF, with a byte order mark, and without a last line's end")
    func lineEnds() throws {
        let text = "services:\n  web:\n    command: |\n      a\n      b\n    health: { path: / }"
        let plain = try Manifest.parse(text)
        #expect(plain.services[0].command == "a\nb\n")
        #expect(try Manifest.parse(text.split(separator: "\n").joined(separator: "\r\n")) == plain)
        #expect(try Manifest.parse("\u{feff}\(text)\n") == plain)
    }

    @Test("names with an underscore and cases are kept, and statuses may be one number")
    func oneStatus() throws {
        let manifest = try Manifest.parse(
            "services: { Api_1: { command: x, health: { path: '/h?a=b', status: 204 } } }")
        #expect(manifest.services[0].name.text == "Api_1")
        #expect(manifest.services[0].health?.lowestStatus == 204)
        #expect(manifest.services[0].health?.highestStatus == 204)
    }

    @Test("a committed .env is not read, and a misspelt manifest is named")
    func notes() throws {
        let tree = FileTree(["index.html": "", ".env": "SECRET=1", "pmo-release.yaml": "app: x"])
        let notes = try Manifest.read(from: tree).notes
        #expect(notes.contains { $0.contains("committed .env is not read") })
        #expect(notes.contains { $0.hasPrefix("pmo-release.yaml is not read") })
    }
}
