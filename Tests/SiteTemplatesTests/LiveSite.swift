import FreePorts
import Glibc
import ReleaseModel
import SiteTemplates
import Testing

/// A real nginx with rendered configuration, and a python server behind each of two slots.
final class LiveSite {
    let directory: TemporaryDirectory
    let port: Int
    private var isRunning = false
    var app: String { "\(directory.path)/shop" }
    var nginx: String { "\(directory.path)/nginx" }

    init(name: String) throws {
        directory = try TemporaryDirectory(name)
        port = try FreePort.next()
        try shell(
            "mkdir -p \(nginx.shellQuoted)/logs \(nginx.shellQuoted)/tmp \(nginx.shellQuoted)/sites \(app.shellQuoted)/logs"
        )
        let user = getuid() == 0 ? "www-data" : nil
        try directory.write(
            SiteTemplates.nginx(.sample(directory: nginx, user: user, port: port)), to: "nginx/nginx.conf")
    }

    func install(_ context: SiteContext) throws {
        try directory.write(SiteTemplates.site(context), to: "nginx/sites/shop.conf")
    }

    func test() throws -> String { try shell("/usr/sbin/nginx -t -c \(nginx.shellQuoted)/nginx.conf") }

    func start() throws {
        try shell(
            "/usr/sbin/nginx -c \(nginx.shellQuoted)/nginx.conf > \(nginx.shellQuoted)/out 2>&1 & for i in $(seq 50); do [ -S \(nginx.shellQuoted)/control.sock ] && exit 0; sleep 0.1; done; cat \(nginx.shellQuoted)/out; exit 1"
        )
        isRunning = true
    }

    /// Starts servers that answer every path with their name and the headers they got; the key is where one listens.
    func serve(_ servers: [String: String]) throws {
        try directory.write(Self.server, to: "server.py")
        let words = servers.flatMap { [$0.value, $0.key.shellQuoted] }.joined(separator: " ")
        let here = directory.path.shellQuoted
        try shell(
            """
            [ -x /usr/bin/python3 ] && python=/usr/bin/python3 || python=python3
            $python \(here)/server.py \(words) > \(here)/server.log 2>&1 & echo $! > \(here)/server.pid
            for i in $(seq 100); do grep -q ready \(here)/server.log && exit 0; sleep 0.1; done
            cat \(here)/server.log; exit 1
            """)
        isServing = true
    }
    private var isServing = false

    func stopServing() throws { try shell("kill -KILL $(cat \(directory.path.shellQuoted)/server.pid)") }

    func get(_ path: String, host: String = "app.example.org", options: String = "") throws -> String {
        try shell("curl -s --max-time 10 --path-as-is \(options) -H 'Host: \(host)' 'http://127.0.0.1:\(port)\(path)'")
    }
    func status(_ path: String, host: String = "app.example.org") throws -> String {
        try get(path, host: host, options: "-o /dev/null -w '%{http_code}'")
    }
    func header(_ name: String, _ path: String, host: String = "app.example.org") throws -> String? {
        let lines = try get(path, host: host, options: "-o /dev/null -D -").split(whereSeparator: \.isNewline)
        return lines.first { $0.lowercased().hasPrefix("\(name.lowercased()):") }.map {
            String($0.dropFirst(name.count + 2))
        }
    }

    deinit {
        if isRunning { _ = try? shell("kill $(cat \(nginx.shellQuoted)/nginx.pid)") }
        if isServing { _ = try? shellStatus("kill -KILL $(cat \(directory.path.shellQuoted)/server.pid)") }
    }

    private static let server = """
        import http.server, json, os, socket, socketserver, sys, threading
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                answer = {"name": self.server.name, "path": self.path, "headers": dict(self.headers)}
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def address_string(self): return "x"
            def log_message(self, *arguments): pass
        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            def __init__(self, name, listen):
                self.name = name
                self.address_family = socket.AF_UNIX if listen.startswith("/") else socket.AF_INET
                super().__init__(listen if listen.startswith("/") else ("127.0.0.1", int(listen)), Handler)
                if listen.startswith("/"): os.chmod(listen, 0o777)
        words = sys.argv[1:]
        servers = [Server(name, listen) for name, listen in zip(words[::2], words[1::2])]
        for server in servers: threading.Thread(target=server.serve_forever).start()
        print("ready", flush=True)
        """
}
