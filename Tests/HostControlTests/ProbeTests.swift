import Foundation
import FreePorts
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import HostControl

/// A server in Python that answers well, badly, slowly or not at all; on a port and on a unix socket.
private final class AnswerServer {
    static let program = #"""
        import socket, sys, threading, time
        root = sys.argv[1]
        def answer(c):
            request = b""
            while b"\r\n\r\n" not in request:
                more = c.recv(4096)
                if not more: return c.close()
                request += more
            path = request.split(b" ")[1].decode()
            def send(status, body, length=None):
                head = "HTTP/1.1 %s X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                c.sendall((head % (status, len(body) if length is None else length)).encode() + body)
            try:
                if path == "/echo": send(200, request)
                elif path == "/big": send(200, b"x" * 200000)
                elif path == "/break": send(200, b"part", 1000)
                elif path == "/close": pass
                elif path == "/hang": time.sleep(60)
                elif path == "/redirect":
                    c.sendall(b"HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n")
                elif path == "/trickle":
                    send(200, b"", 100000)
                    for _ in range(600):
                        c.sendall(b"x"); time.sleep(0.1)
                else: send(int(path[1:]), path.encode())
            except OSError: pass
            c.close()
        def serve(s):
            s.listen(64)
            while True: threading.Thread(target=answer, args=(s.accept()[0],), daemon=True).start()
        tcp = socket.socket(); tcp.bind(("127.0.0.1", 0))
        unix = socket.socket(socket.AF_UNIX); unix.bind(root + "/socket")
        threading.Thread(target=serve, args=(unix,), daemon=True).start()
        tcp.listen(64)
        open(root + "/port.new", "w").write(str(tcp.getsockname()[1]))
        import os; os.rename(root + "/port.new", root + "/port")
        serve(tcp)
        """#

    let pid: Int32
    let port: Int
    let socket: String

    init(_ directory: FilePath) async throws {
        let program = directory.appending("server.py")
        try program.write(Self.program)
        pid = try DetachedProcess.spawn(
            executable: HostPrograms.find("python3"), arguments: [program.string, directory.string],
            environment: HostPrograms.environment, log: directory.appending("log"))
        _ = await eventually(within: .seconds(30)) { directory.appending("port").content != nil }
        port = try #require(directory.appending("port").content.flatMap { Int($0) })
        socket = directory.appending("socket").string
    }

    deinit { end(pid) }
}

@Suite("HealthProbe asks a real server")
struct HealthProbeTests {
    private let probe = HealthProbe(runner: ProcessRunner())

    private func withServer(_ body: (AnswerServer) async throws -> Void) async throws {
        try await withDirectory { try await body(AnswerServer($0)) }
    }

    private func ask(
        _ endpoint: Endpoint, _ path: String, within limit: Duration = .seconds(20)
    ) async -> (status: Int?, body: String, problem: String?) {
        switch await probe.ask(endpoint, path: path, host: "app.example.org", within: limit) {
        case .answered(let status, let body, _): (status, String(decoding: body, as: UTF8.self), nil)
        case .refused(let problem): (nil, "", problem)
        }
    }

    @Test("The status and the body of an answer are told, on a port and on a socket")
    func answers() async throws {
        try await withServer { server in
            for endpoint in [Endpoint.port(server.port), .socket(server.socket)] {
                for status in [200, 204, 404, 500, 503] {
                    let answer = await ask(endpoint, "/\(status)")
                    #expect(answer.status == status)
                    #expect(answer.body == (status == 204 ? "" : "/\(status)"))
                }
            }
        }
    }

    @Test("It asks as users do: with the site's Host, behind https, and follows no redirect")
    func request() async throws {
        try await withServer { server in
            let answer = await ask(.port(server.port), "/echo")
            #expect(answer.body.hasPrefix("GET /echo HTTP/1.1\r\n"))
            #expect(answer.body.contains("\r\nHost: app.example.org\r\n"))
            #expect(answer.body.contains("\r\nX-Forwarded-Proto: https\r\n"))
            #expect(await ask(.port(server.port), "/redirect").status == 302)
        }
    }

    @Test("A body is cut at 64 KiB and is an answer all the same")
    func bigBody() async throws {
        try await withServer { server in
            let answer = await ask(.port(server.port), "/big")
            #expect(answer.status == 200)
            #expect(answer.body == String(repeating: "x", count: 65536))
        }
    }

    @Test("F27: an answer that trickles, or none, ends at the deadline", arguments: ["/trickle", "/hang"])
    func deadline(_ path: String) async throws {
        try await withServer { server in
            let begun = ContinuousClock.now
            let answer = await ask(.port(server.port), path, within: .seconds(1))
            let took = ContinuousClock.now - begun
            #expect(answer.problem == "did not answer in time")
            #expect(took > .milliseconds(900))
        }
    }

    @Test("An answer that breaks off and a connection that is closed are no answers")
    func broken() async throws {
        try await withServer { server in
            #expect(await ask(.port(server.port), "/close").problem == "closed the connection without an answer")
            #expect(await ask(.port(server.port), "/break").problem?.isEmpty == false)
        }
    }

    @Test("F28: a port or socket on which nobody listens is told as that")
    func refused() async throws {
        #expect(await ask(.port(try FreePort.next()), "/").problem == "does not listen")
        #expect(await ask(.socket("/tmp/no-such-socket"), "/").problem == "does not listen")
    }

    @Test("The command is a value without a shell")
    func command() {
        let command = HealthProbe.command(
            .socket("/h/a b.sock"), path: "/health?a=$(id)", host: "app.example.org", within: .milliseconds(1500))
        #expect(command.executable == "curl")
        #expect(
            command.arguments == [
                "-q", "-sS", "--noproxy", "*", "--max-time", "1.500", "-H", "Host: app.example.org", "-H",
                "X-Forwarded-Proto: https", "-A", "pmo-release", "-w", "%{stderr}%{http_code} %{time_total}\n",
                "--unix-socket", "/h/a b.sock", "--", "http://localhost/health?a=$(id)",
            ])
    }
}

@Suite("ListeningSockets reads who listens")
struct ListeningSocketsTests {
    @Test("A port's owner is found, and a group's ports")
    func found() throws {
        let listener = try Listener()
        let owner = try #require(ListeningSockets.owner(ofPort: listener.port))
        #expect(owner.pid == getpid())
        #expect(!owner.name.isEmpty)
        #expect(ListeningSockets.ports(ofInstance: getpgrp()).contains(listener.port))
    }

    @Test(
        "A40: whoever else takes connections to 127.0.0.1 is told, whatever the instance listens on",
        arguments: ["::1", "127.0.0.1"])
    func stranger(_ own: String) async throws {
        let port = try FreePort.next()
        let script = """
            import socket, sys, time
            family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind((sys.argv[1], int(sys.argv[2])))
            listener.listen()
            time.sleep(600)
            """
        func listen(_ address: String) throws -> Int32 {
            try DetachedProcess.spawn(
                executable: HostPrograms.find("python3"), arguments: ["-c", script, address, "\(port)"],
                environment: HostPrograms.environment, log: "/dev/null")
        }
        func listening(_ pid: Int32) async throws -> Bool {
            for _ in 0..<500 where !ListeningSockets.isListening(pid) { try await Task.sleep(for: .milliseconds(20)) }
            return ListeningSockets.isListening(pid)
        }
        let instance = try listen(own)
        defer { end(instance) }
        try #require(try await listening(instance))
        #expect(ListeningSockets.stranger(onPort: port, besides: instance) == nil)
        let other = try listen("127.0.0.1")
        defer { end(other) }
        try #require(try await listening(other))
        let told = try #require(ListeningSockets.stranger(onPort: port, besides: instance))
        #expect(told.contains("(pid \(other))"), "\(told)")
    }

    private func end(_ pid: Int32) {
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    @Test("A port on which nobody listens has no owner, and a group that is no more has no ports")
    func nobody() throws {
        #expect(ListeningSockets.owner(ofPort: try FreePort.next()) == nil)
        #expect(ListeningSockets.ports(ofInstance: 0x3fff_ffff) == [])
    }

    @Test("A port can be bound, or not")
    func free() throws {
        let listener = try Listener()
        #expect(!Nginx.portIsFree(address: "127.0.0.1", port: listener.port))
        #expect(!Nginx.portIsFree(address: "0.0.0.0", port: listener.port))
        #expect(Nginx.portIsFree(address: "127.0.0.1", port: try FreePort.next()))
        #expect(!Nginx.portIsFree(address: "not an address", port: 8080))
    }
}
