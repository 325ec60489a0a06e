import Glibc
import ReleaseModel
import SiteTemplates

/// A directory of a test's own, removed with its owner.
final class TemporaryDirectory {
    let path: String

    /// - Parameter name: Behind what makes the directory unique; may hold what a shell or nginx would read.
    init(_ name: String = "") throws {
        var template = Array("/tmp/pmo-templates-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp: \(errno)") }
        let parent = template.withUnsafeBufferPointer {
            String(cString: $0.baseAddress ?? $0.baseAddress.unsafelyUnwrapped)
        }
        // nginx workers run as another user where root starts it.
        chmod(parent, 0o755)
        path = name.isEmpty ? parent : "\(parent)/\(name)"
        root = parent
        mkdir(path, 0o755)
    }

    private let root: String

    deinit { _ = try? shell("rm -rf -- \(root.shellQuoted)") }

    /// Writes a file below the directory, with the directories on the way.
    func write(_ text: String, to name: String, mode: mode_t = 0o644) throws {
        let file = "\(path)/\(name)"
        let parent = String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)])
        try shell("mkdir -p -- \(parent.shellQuoted)")
        guard let handle = fopen(file, "w") else { throw Failure("cannot write \(file)") }
        fwrite(text, 1, text.utf8.count, handle)
        fclose(handle)
        chmod(file, mode)
    }

    func read(_ name: String) -> String? { try? shell("cat -- \("\(path)/\(name)".shellQuoted)") }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What `sh -c` prints to both streams.
///
/// - Throws: where it ends with another status than 0.
@discardableResult
func shell(_ script: String) throws -> String {
    let (status, output) = try shellStatus(script)
    guard status == 0 else { throw Failure("status \(status): \(output)") }
    return output
}

/// The exit status of `sh -c` and what it prints to both streams.
func shellStatus(_ script: String) throws -> (Int32, String) {
    guard let pipe = popen("{ \(script)\n} 2>&1", "r") else { throw Failure("popen: \(errno)") }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { output += buffer[..<count] }
    let status = pclose(pipe)
    return ((status >> 8) & 0xff, String(decoding: output, as: UTF8.self))
}

extension SiteContext {
    /// A context with everything that a site can have.
    static func sample(root: String = "/srv/pmo/shop", port: Int = 8080, ports: [Int] = [20001, 20002, 20003]) throws
        -> SiteContext
    {
        let api = try ServiceName("api")
        let socket = try ServiceName("Live-View")
        func prefix(_ text: String) throws -> URLPrefix { try URLPrefix(text) }
        return SiteContext(
            app: try AppName("shop-staging"), appRoot: root,
            sites: [
                Site(
                    domain: try Domain("app.example.org"), redirectFrom: [try Domain("www.example.org")],
                    root: try ReleasePath("apps/web/dist"), spa: true, immutable: try prefix("/assets/"),
                    routes: [
                        Route(prefix: try prefix("/api/"), service: api),
                        Route(prefix: try prefix("/live"), service: socket),
                    ]),
                Site(domain: try Domain("api.example.org"), routes: [Route(prefix: try prefix("/"), service: api)]),
                Site(
                    domain: try Domain("hooks.example.org"), routes: [Route(prefix: try prefix("/in/"), service: api)]),
                Site(domain: try Domain("plain.example.org"), root: .root),
                Site(
                    domain: try Domain("both.example.org"), root: try ReleasePath("public"),
                    routes: [Route(prefix: try prefix("/"), service: api)]),
            ],
            services: [
                SiteService(
                    name: api,
                    slots: Dictionary(
                        uniqueKeysWithValues: zip(SlotNumber.allCases, ports.map { [.port($0), .port($0 + 100)] }))),
                SiteService(
                    name: socket,
                    slots: Dictionary(
                        uniqueKeysWithValues: SlotNumber.allCases.map {
                            ($0, [.socket("\(root)/slots/Live-View/\($0)/1.sock")])
                        })),
            ],
            listenAddress: "127.0.0.1", listenPort: port, logDirectory: "\(root)/logs",
            shared: try ["apps/web/dist/media", "apps/web/dist/live/rooms", "public/media", "storage"].map {
                try ReleasePath($0)
            })
    }
}

extension NginxContext {
    /// An nginx with everything below one directory, which must have `logs`, `tmp` and `sites`.
    static func sample(directory: String, user: String? = nil, port: Int = 8080) -> NginxContext {
        NginxContext(
            directory: directory, user: user, listenAddress: "127.0.0.1", listenPort: port, generation: "g1",
            sitesDirectory: "\(directory)/sites", controlSocket: "\(directory)/control.sock",
            pidFile: "\(directory)/nginx.pid")
    }
}

extension UnitContext {
    /// A context of a service whose command is given.
    static func sample(_ command: String, release: String? = nil) throws -> UnitContext {
        let commit = try CommitID(String(repeating: "4f2c9ab0", count: 5))
        let service = Service(
            name: try ServiceName("api"), directory: try ReleasePath("apps/api"), command: command,
            memory: try ByteSize("512M"), stop: StopRule(signal: .int, within: TimeLimit(seconds: 20)))
        return UnitContext(
            app: try AppName("shop"), service: service, releaseRoot: release ?? "/srv/pmo/shop/releases/\(commit)",
            commit: commit, branch: "main", describe: "v1.2-3-g4f2c9ab", path: [".venv/bin", "/opt/x/bin"])
    }
}
