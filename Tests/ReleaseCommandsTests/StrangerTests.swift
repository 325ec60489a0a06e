import Foundation
import Testing

@Suite("A port of the next slot that another program has", .serialized, .timeLimit(.minutes(10)))
struct StrangerTests {
    private static let server = """
        import http.server, os, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b"one"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *arguments): pass
        port = int(sys.argv[1] if len(sys.argv) > 1 else os.environ["PORT"])
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
        """

    @Test(
        "A27, F28: whoever answers there is not taken for the candidate, and the push fails",
        arguments: ["exec sleep 600", "exec python3 server.py", "sleep 2"])
    func isRefused(_ command: String) async throws {
        try await TestHost.with { host in
            let manifest = { (command: String) in
                """
                services: { api: { command: \(command), health: { path: /, within: 10s } } }
                sites: { pmo.localhost: { routes: { /: api } } }
                bake: 0s
                """
            }
            let first = try await host.deploy([
                "pmo-release.yml": manifest("exec python3 server.py"), "server.py": Self.server,
            ])
            let used = try FileManager.default.destinationOfSymbolicLink(
                atPath: "\(host.home)/pmo/releases/\(first)/.pmo/upstream/api")
            let others = ["1", "2", "3"].filter { !used.hasSuffix("/\($0)") }
            var strangers: [Subprocess] = []
            for slot in others {
                let ports = try String(contentsOfFile: "\(host.home)/pmo/slots/api/\(slot)/ports", encoding: .utf8)
                let port = ports.split(separator: "\n").map(String.init)[0]
                let place = "\(host.home)/pmo/releases/\(first)/server.py"
                strangers.append(try host.start("python3", [place, port]))
                #expect(
                    try await eventually {
                        try await host.run("curl", ["-sf", "http://127.0.0.1:\(port)/"]).status == 0
                    })
            }
            try host.write(["pmo-release.yml": manifest(command), "more": "x\n"])
            try await host.commit("two")
            let refused = try await host.push()
            #expect(refused.status == 1 && refused.all.contains("health check failed: "), "\(refused)")
            #expect(host.live() == first)
            #expect(try await host.get("/").body == "one")
            withExtendedLifetime(strangers) {}
        }
    }
}
