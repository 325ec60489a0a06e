import Foundation
import Glibc
import Testing

@Suite("The release that was replaced", .serialized, .timeLimit(.minutes(20)))
struct DrainTests {
    /// Answers `/id` at once, `/late` after five seconds, `/slow` when the test makes a file, and echoes on a WebSocket.
    static func server(ignoringTerm: Bool = false, stop: String = "60s") -> [String: String] {
        [
            "pmo-release.yml": """
            services:
              web: { command: exec node server.js, health: { path: /id }, stop: { within: \(stop) } }
            sites: { pmo.localhost: { routes: { /: web } } }
            """,
            "server.js": """
            const http = require("node:http"), fs = require("node:fs"), crypto = require("node:crypto");
            const gate = process.env.PMO_RELEASE + "/../../cache/open";
            const server = http.createServer((question, answer) => {
                if (question.url === "/id") return answer.end(process.env.PMO_COMMIT + "\\n");
                if (question.url === "/late") return setTimeout(() => answer.end("late\\n"), 5000);
                answer.writeHead(200);
                answer.write("begun ");
                const timer = setInterval(() => {
                    if (!fs.existsSync(gate)) return;
                    clearInterval(timer);
                    answer.end(process.env.PMO_COMMIT);
                }, 50);
            });
            // A frame of text up to 125 bytes comes back as it is, without its mask (RFC 6455, 5.2).
            server.on("upgrade", (question, socket) => {
                const key = question.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
                const accept = crypto.createHash("sha1").update(key).digest("base64");
                socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                    + `Sec-WebSocket-Accept: ${accept}\\r\\n\\r\\n`);
                socket.on("data", (frame) => {
                    if ((frame[0] & 15) === 8) return socket.end();
                    const length = frame[1] & 127, mask = frame.subarray(2, 6);
                    const text = frame.subarray(6, 6 + length).map((byte, index) => byte ^ mask[index % 4]);
                    socket.write(Buffer.concat([Buffer.from([0x81, length]), text]));
                });
                socket.on("error", () => {});
            });
            server.listen(Number(process.env.PORT), "127.0.0.1");
            process.on("SIGTERM", () => {
                \(ignoringTerm ? "return;" : "server.close(() => process.exit(0)); server.closeIdleConnections();")
            });
            """,
        ]
    }

    @Test("answers the requests that it has, also long ones, after it was told to stop")
    func answers() async throws {
        try await TestHost.with(warm: "0s") { host in
            let first = try await host.deploy(Self.server())
            let slow = try host.startRequest("/slow")
            try #require(try await eventually { slow.said.contains("begun") })
            let second = try await host.deploy(["note": "2\n"])
            #expect(try await host.get("/id").body == second + "\n")
            // Told to stop, it does not listen any more, and its one request is still open.
            #expect(try await eventually { try !host.isListening(slot: 1) })
            #expect(!slow.hasEnded)
            try Data().write(to: URL(fileURLWithPath: "\(host.home)/pmo/cache/open"))
            let answered = try await slow.ended()
            #expect(answered.status == 0 && answered.out == "begun \(first)", "\(answered)")
            #expect(try await eventually { try await host.processes().allSatisfy { $0.short == second.prefix(7) } })
            #expect(try await host.ledger("SELECT detail FROM events WHERE verb = 'kill'") == [])
        }
    }

    @Test("F31: is killed when it ignores the signal, and what that cut is counted, recorded and told")
    func isCut() async throws {
        try await TestHost.with(warm: "0s") { host in
            let first = try await host.deploy(Self.server(ignoringTerm: true, stop: "1s"))
            let slow = try host.startRequest("/slow")
            try #require(try await eventually { slow.said.contains("begun") })
            try await host.deploy(["note": "2\n"])
            let cut = try await slow.ended()
            #expect(cut.status != 0, "\(cut)")
            let told = "web of \(first.prefix(7)) did not end within 1s: killed, "
            #expect(
                try await eventually {
                    try await host.ledger("SELECT detail FROM events WHERE verb = 'kill'").contains {
                        $0.hasPrefix(told) && $0.hasSuffix(" cut") && !$0.contains(" 0 connections")
                    }
                })
            #expect(try await host.pmo("history", "pmo").out.contains(told))
            let stopped = try await host.pmo("stop", "pmo")
            #expect(stopped.status == 0 && stopped.err.contains("did not end within 1s: killed, "), "\(stopped)")
        }
    }

    @Test("restart drains as well")
    func restartDrains() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(Self.server())
            let slow = try host.startRequest("/slow")
            try #require(try await eventually { slow.said.contains("begun") })
            #expect(try await host.pmo("restart", "pmo").status == 0)
            #expect(try await eventually { try !host.isListening(slot: 1) })
            try Data().write(to: URL(fileURLWithPath: "\(host.home)/pmo/cache/open"))
            let answered = try await slow.ended()
            #expect(answered.status == 0 && answered.out == "begun \(first)", "\(answered)")
        }
    }
}

extension TestHost {
    /// Asks through nginx and shows the answer as it comes.
    func startRequest(_ path: String) throws -> Subprocess {
        try start(
            "curl", ["-sS", "-N", "--max-time", "300", "-H", "Host: \(domain)", "http://127.0.0.1:\(port)\(path)"],
            directory: "/")
    }

    /// Whether something takes connections at the first port of a slot of `web`.
    func isListening(slot: Int) throws -> Bool {
        let ports = text("\(home)/\(app)/slots/web/\(slot)/ports") ?? ""
        let port = try #require(ports.split(separator: "\n").first.flatMap { UInt16($0) })
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
