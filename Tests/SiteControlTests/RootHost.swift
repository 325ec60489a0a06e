import Foundation
import FreePorts
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

/// A host in a directory: a real nginx with a configuration like Debian's, a home with apps, and the real root helper,
/// which is told of the directory as only one who has not come by sudo can.
final class RootHost {
    let root: String
    private(set) var http: Int
    private(set) var https: Int
    /// What holds the network of its own.
    private var network: BackgroundProgram?
    private var entered: [String] = []
    var prefix: String { root + "/nginx" }
    var home: String { root + "/home" }
    var settingsFile: String { root + "/root.json" }
    var settings: RootSettings

    /// Runs a test on such a host, and ends its nginx however the test ends.
    ///
    /// - Parameter isolated: in a network of its own with ports 80 and 443, and names that lead to it; takes root.
    static func with(isolated: Bool = false, _ body: (RootHost) async throws -> Void) async throws {
        let host = try RootHost()
        do {
            if isolated { try await host.isolate() }
        } catch {
            await host.end()
            throw error
        }
        do { try await body(host) } catch {
            await host.end()
            throw error
        }
        await host.end()
    }

    private init() throws {
        var template = Array("/tmp/pmo-root-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Errno(rawValue: errno) }
        root = String(cString: made)
        chmod(root, 0o755)
        (http, https) = (try FreePort.next(), try FreePort.next())
        settings = RootSettings()
        settings.home = root + "/home"
        settings.user = String(cString: getpwuid(geteuid()).pointee.pw_name)
        settings.worker = geteuid() == 0 ? "www-data" : settings.user
        settings.nginx = root + "/nginx"
        settings.pid = root + "/nginx.pid"
        settings.systemd = false
        settings.state = root + "/state"
        settings.logs = root + "/logs"
        settings.addresses = ["127.0.0.1"]
        (settings.httpPort, settings.httpsPort) = (http, https)
        settings.letsencrypt = root + "/letsencrypt"
        try settings.save(to: FilePath(settingsFile))
        for directory in ["nginx/conf.d", "nginx/sites-enabled", "nginx/snippets", "home", "tmp"] {
            try FileManager.default.createDirectory(
                atPath: "\(root)/\(directory)", withIntermediateDirectories: true)
        }
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "\($0)_temp_path \(root)/tmp/\($0);"
        }
        try write(
            """
            \(geteuid() == 0 ? "user www-data;" : "")
            worker_processes 1;
            pid \(root)/nginx.pid;
            error_log \(root)/error.log notice;
            events { worker_connections 256; }
            http {
                \(temporary.joined(separator: " "))
                default_type application/octet-stream;
                include \(prefix)/mime.types;
                include \(prefix)/conf.d/*.conf;
                include \(prefix)/sites-enabled/*;
            }

            """, to: "nginx/nginx.conf")
        try write("types { text/html html; text/css css; text/javascript js; }\n", to: "nginx/mime.types")
    }

    /// Moves to a network of its own.
    private func isolate() async throws {
        try write(
            """
            127.0.0.1 localhost ca.example.test app.example.test www.example.test
            127.0.0.9 other.example.test

            """, to: "hosts")
        let script = "mount --bind \(root)/hosts /etc/hosts && ip link set lo up && echo $$ >\(root)/network.pid"
        network = try BackgroundProgram(
            ["unshare", "--net", "--mount", "sh", "-c", script + " && exec sleep 3600"], [:],
            log: root + "/network.log")
        for _ in 0..<200 where text("network.pid")?.isEmpty != false { try await Task.sleep(for: .milliseconds(20)) }
        let pid = try #require(text("network.pid")?.split(separator: "\n").first, "\(text("network.log") ?? "")")
        entered = ["nsenter", "--target", String(pid), "--net", "--mount"]
        (http, https) = (80, 443)
        (settings.httpPort, settings.httpsPort) = (80, 443)
        try settings.save(to: FilePath(settingsFile))
    }

    /// A program's words, in the host's network.
    func entering(_ program: String, _ arguments: [String]) -> [String] { entered + [program] + arguments }

    /// Runs a program in the host's network.
    func run(
        _ program: String, _ arguments: [String], _ environment: [String: String] = [:], input: [UInt8]? = nil
    ) async throws -> CommandResult {
        let words = entering(program, arguments)
        return try await ProcessRunner().run(
            Command(
                executable: words[0], arguments: Array(words.dropFirst()),
                environment: HostPrograms.environment.merging(environment) { $1 }, input: input),
            within: .seconds(400))
    }

    private func end() async {
        if let pid = nginxPid {
            kill(pid, SIGKILL)
            for child in children(of: pid) { kill(child, SIGKILL) }
        }
        try? FileManager.default.removeItem(atPath: root)
    }

    // MARK: the helper

    /// Runs the helper, as sudo would or not.
    @discardableResult
    func helper(_ arguments: String..., environment: [String: String] = [:], input: String? = nil) async throws
        -> Answer
    {
        try await helper(arguments, environment: environment, input: input)
    }

    @discardableResult
    func helper(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) async throws -> Answer {
        let result = try await run(
            Self.program, arguments, ["PMO_ROOT_SETTINGS": settingsFile].merging(environment) { $1 },
            input: input.map { Array($0.utf8) })
        let answer = try? JSONDecoder().decode(RootAnswer.self, from: Data(result.output))
        return Answer(
            status: result.signal.map { 128 + $0 } ?? result.status, notices: answer?.notices ?? [],
            error: answer?.error ?? "", hint: answer?.hint ?? "", certificates: answer?.certificates ?? [],
            said: result.problem)
    }

    /// What the helper answered.
    struct Answer: CustomStringConvertible {
        let status: Int32
        let notices: [String]
        let error: String
        let hint: String
        let certificates: [CertificateState]
        let said: String
        var description: String { "status \(status): \(error) \(notices) \(said)" }
    }

    /// The program beside the test bundle.
    static let program: String = {
        var directory = URL(fileURLWithPath: (CommandLine.arguments.first { $0.contains(".xctest") }) ?? "/")
        while directory.path != "/" {
            directory.deleteLastPathComponent()
            if access(directory.path + "/pmo-release-root", X_OK) == 0 { return directory.path + "/pmo-release-root" }
        }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        return package + "/.build/debug/pmo-release-root"
    }()

    // MARK: apps

    /// An app with a release of some files, live.
    func app(_ name: String, files: [String: String] = ["index.html": "page of it\n"]) throws {
        try release(name, "r1", files: files)
        try point(name, "current", at: "r1")
    }

    func release(_ app: String, _ id: String, files: [String: String]) throws {
        for (path, text) in files { try write(text, to: "home/\(app)/releases/\(id)/\(path)") }
    }

    /// Points a link of an app, in one step.
    func point(_ app: String, _ link: String, at release: String) throws {
        let place = "\(home)/\(app)/\(link)"
        unlink(place + ".new")
        guard symlink("releases/\(release)", place + ".new") == 0, rename(place + ".new", place) == 0 else {
            throw Errno(rawValue: errno)
        }
    }

    /// Writes what an app wants served.
    func want(_ values: SiteValues, candidate: Bool = false) throws {
        try write(
            String(decoding: values.bytes, as: UTF8.self),
            to: "home/\(values.app)/site\(candidate ? ".candidate" : "").json")
    }

    /// An app with a page, served under a domain.
    func serve(_ app: String, _ domain: String, page: String = "page of it\n") async throws {
        try self.app(app, files: ["index.html": page])
        try want(try .page(app, domain))
        let answer = try await helper("site", "apply", app)
        try #require(answer.status == 0, "\(answer)")
    }

    func write(_ text: String, to name: String, mode: mode_t = 0o644) throws {
        let path = "\(root)/\(name)"
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        chmod(path, mode)
    }

    func text(_ name: String) -> String? { try? String(contentsOfFile: "\(root)/\(name)", encoding: .utf8) }
    func exists(_ name: String) -> Bool { access("\(root)/\(name)", F_OK) == 0 }

    // MARK: nginx

    var nginxPid: Int32? {
        text("nginx.pid")?.split(separator: "\n").first.flatMap { Int32($0) }.flatMap { kill($0, 0) == 0 ? $0 : nil }
    }

    private func children(of pid: Int32) -> [Int32] {
        (text("../../proc/\(pid)/task/\(pid)/children") ?? "").split(separator: " ").compactMap { Int32($0) }
    }

    func startNginx() async throws {
        let result = try await ProcessRunner().run(
            Command(executable: "nginx", arguments: ["-c", prefix + "/nginx.conf"]), within: .seconds(20))
        try #require(result.succeeded, "\(result.problem)")
    }

    /// An answer with its head.
    func get(_ domain: String, _ path: String = "/", http plain: Bool = false, _ options: String...) async throws
        -> (status: Int, head: String, body: String)
    {
        let port = plain ? http : https
        let origin = "\(plain ? "http" : "https")://\(domain):\(port)"
        let result = try await run(
            "curl",
            [
                "-q", "-sS", "-k", "-i", "--noproxy", "*", "--path-as-is", "--max-time", "10", "--resolve",
                "\(domain):\(port):127.0.0.1",
            ] + options + [origin + path])
        let text = String(decoding: result.output, as: UTF8.self).replacing("\r\n", with: "\n")
        let end = text.range(of: "\n\n")
        let head = end.map { String(text[..<$0.lowerBound]) } ?? text
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return (status, head.lowercased(), end.map { String(text[$0.upperBound...]) } ?? result.problem)
    }

    func body(_ domain: String, _ path: String = "/") async throws -> String { try await get(domain, path).body }
}

extension SiteValues {
    /// A page at the release's root.
    static func page(_ app: String, _ domain: String) throws -> SiteValues {
        try SiteValues(
            app: AppName(app), sites: [Site(domain: try Domain(domain), root: .root)], services: [])
    }
}

/// A python program that ends with the test.
final class PythonServer {
    private let pid: Int32

    init(_ script: String, _ arguments: [String], in directory: String) throws {
        try script.write(toFile: directory + "/server.py", atomically: true, encoding: .utf8)
        pid = try DetachedProcess.spawn(
            executable: HostPrograms.find("python3"), arguments: [directory + "/server.py"] + arguments,
            environment: HostPrograms.environment, log: FilePath(directory + "/server.log"))
        for _ in 0..<200 where (try? String(contentsOfFile: directory + "/server.log", encoding: .utf8)) != "ready\n" {
            usleep(50_000)
        }
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }
}
