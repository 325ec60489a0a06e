import ReleaseModel
import Testing

@Suite("A Procfile is read")
struct ProcfileTests {
    private func read(_ procfile: String, with files: [String: String] = [:]) throws(ManifestError) -> Manifest {
        try Manifest.read(from: FileTree(files.merging(["Procfile": procfile]) { $1 }))
    }

    @Test(
        "comments, CRLF, blank lines and a missing last line's end change nothing",
        arguments: [
            "web: node server.js --port $PORT\nWorker_1: a | b && c; d\nrelease: ./migrate",
            "# c\r\n\r\nweb: node server.js --port $PORT\r\n  # d\r\nWorker_1: a | b && c; d\r\nrelease: ./migrate\r\n",
            "\u{feff}web:node server.js --port $PORT  \n\nWorker_1:\ta | b && c; d\n\nrelease: ./migrate\n\n",
        ])
    func lines(_ text: String) throws {
        let manifest = try read(text)
        #expect(manifest.origin == .procfile(nil))
        #expect(manifest.services.map(\.name.text) == ["Worker_1", "web"])
        #expect(manifest.services.map(\.command) == ["a | b && c; d", "node server.js --port $PORT"])
        #expect(manifest.services.map(\.listen) == [.none, .port])
        #expect(manifest.migrate == "./migrate")
        #expect(manifest.build.isEmpty)
    }

    @Test("web gets the app's domain and a check that any answer below 500 passes")
    func web() throws {
        let manifest = try read("web: ./server")
        #expect(manifest.sites == [Site(domain: nil, routes: [Route(prefix: .root, service: try ServiceName("web"))])])
        let health = try #require(manifest.services.first?.health)
        #expect((health.path, health.lowestStatus, health.highestStatus, health.passes) == ("/", 100, 499, 2))
        #expect(health.within == TimeLimit(seconds: 60))
    }

    @Test(
        "web listens on a socket when its command speaks of one and not of a port",
        arguments: [
            ("gunicorn -b unix:$SOCKET app", Listen.socket), ("gunicorn -b \"unix:${SOCKET}\" app", .socket),
            ("x ${SOCKET:-a}", .socket), ("x $SOCKET $PORT", .port), ("x $SOCKETS", .port), ("x SOCKET", .port),
            ("x \\$$SOCKET", .socket), ("x", .port),
        ])
    func socket(_ command: String, _ listen: Listen) throws {
        #expect(try read("web: \(command)").services.map(\.listen) == [listen])
    }

    @Test("a Procfile without web has workers and no site")
    func workersOnly() throws {
        let manifest = try read("clock: ./clock\nworker: ./work")
        #expect(manifest.services.allSatisfy { $0.listen == .none && $0.health == nil })
        #expect(manifest.sites.isEmpty)
    }

    @Test(
        "a bad line is refused with its number",
        arguments: [
            ("", nil, "names no process"), ("# only\n", nil, "names no process"),
            ("release: ./m\n", nil, "names no process"),
            ("web node server.js", 1, "must be “name: command”"), ("web: a\nweb: b", 2, "stands twice"),
            ("web: a\nWEB: b", 2, "only in case"), ("web:\n", 1, "has no command"),
            ("web: \t \r\n", 1, "has no command"),
            ("we b: a", 1, "service name"), ("../x: a", 1, "service name"), (": a", 1, "service name"),
            ("\n\n-rf: a", 3, "service name"), ("web: a\u{1b}[2J", 1, "control characters"),
            ("web: a\u{0}b", 1, "control characters"),
            ("web: a\rb: c", 1, "control characters"), ("1: a", 1, "service name"),
            ("release: a\nrelease: b\nweb: c", 2, "twice"),
        ] as [(String, Int?, String)])
    func bad(_ text: String, _ line: Int?, _ says: String) throws {
        let error = try #require(manifestError { () throws(ManifestError) in try read(text) })
        #expect(error.file == "Procfile")
        #expect(error.line == line)
        #expect(error.problem.contains(says), "said: \(error.description)")
        #expect(!error.description.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    }

    @Test(
        "a line without a colon is shown as it was meant",
        arguments: [
            ("web python3 x", "web: python3 x"), ("worker  ./work", "worker: ./work"), ("python3 x", "web: python3 x"),
            ("web", "web: web"),
        ])
    func withoutColon(_ text: String, _ hint: String) throws {
        let error = try #require(manifestError { () throws(ManifestError) in try read(text) })
        #expect(error.problems.map(\.hint) == [hint])
    }

    @Test("the manifest wins over a Procfile")
    func manifestWins() throws {
        let manifest = try read("web: a", with: ["pmo-release.yml": "services: { web: { command: b } }"])
        #expect(manifest.services.map(\.command) == ["b"])
    }
}
