import Foundation
import Testing

@Suite("A Procfile", .serialized, .timeLimit(.minutes(20)))
struct ProcfileTests {
    /// A server of Python's standard library, on a port or on a socket.
    private let server = """
        import http.server, os, socketserver, sys

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                place = "socket" if sys.argv[1:] else "port"
                body = f"{place} {self.path} {os.environ.get('GREETING', '')}\\n".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format, *words):
                print("asked", self.path, flush=True)

        class Unix(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        if sys.argv[1:]:
            Unix(sys.argv[1], Handler).serve_forever()
        else:
            http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()

        """

    @Test("starts web on PORT and then on SOCKET, runs release, and keeps a worker up")
    func starts() async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("env", "set", "pmo", "GREETING=hello").status == 0)
            try host.write([
                "app.py": server,
                "Procfile": "web: python3 app.py\nrelease: sh release.sh\nclock: python3 -u clock.py\n",
                "release.sh": "echo tables are ready\n",
                "clock.py": "import time\nwhile True:\n    print('tick')\n    time.sleep(0.5)\n",
            ])
            try await host.commit("On a port")
            let pushed = try await host.push()
            #expect(pushed.status == 0, "\(pushed)")
            #expect(pushed.remote.contains { $0.contains("tables are ready") }, "\(pushed)")
            #expect(try await host.get("/x?y=1").body == "port /x?y=1 hello\n")
            let status = try await host.pmo("status", "pmo")
            #expect(
                status.status == 0 && status.out.contains("clock.0  up") && status.out.contains("web.0  up"),
                "\(status)")
            #expect(
                try await eventually {
                    try await host.pmo("logs", "pmo", "clock", "-n", "1").out.contains("clock.0: tick")
                })

            try host.write(["Procfile": "web: python3 app.py $SOCKET\n"])
            try await host.commit("On a socket")
            let again = try await host.push()
            #expect(again.status == 0, "\(again)")
            #expect(try await host.get("/x").body == "socket /x hello\n")
            let back = try await host.pmo("rollback")
            #expect(back.status == 0, "\(back)")
            #expect(try await host.get("/x").body == "port /x hello\n")
        }
    }

    @Test("F07: whose release line fails leaves the old one serving")
    func failsToRelease() async throws {
        try await TestHost.with { host in
            let served = try await host.deploy(["app.py": server, "Procfile": "web: python3 app.py\n"])
            try host.write(["Procfile": "web: python3 app.py\nrelease: echo no table; exit 4\n"])
            try await host.commit("Fail to migrate")
            let pushed = try await host.push()
            #expect(pushed.status == 1 && pushed.err.contains("migration failed"), "\(pushed)")
            #expect(host.live() == served && host.releases() == [served])
            #expect(try await host.get("/").body == "port / \n")
        }
    }

    @Test("with a line that is wrong is refused by file and line")
    func refuses() async throws {
        try await TestHost.with { host in
            try host.write(["Procfile": "web: python3 app.py\nno colon here\n"])
            try await host.commit("Wrong")
            let pushed = try await host.push()
            #expect(pushed.status == 1 && pushed.err.contains("Procfile:2"), "\(pushed)")
        }
    }
}
