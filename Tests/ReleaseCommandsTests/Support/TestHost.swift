import Foundation
import FreePorts
import Glibc
import Synchronization
import Testing

/// A host of its own for one test: a home below a short path, a free port, and a work tree with a real git.
/// Nothing of it is mocked, and nothing of it outlives the test.
final class TestHost {
    /// Short, for the path of a unix socket has 107 bytes (unix(7)).
    let root: String
    let port: Int
    let app: String
    var home: String { root + "/h" }
    var work: String { root + "/w" }
    var receiver: String { "\(home)/\(app)/repo.git" }
    var domain: String { "\(app).localhost" }
    let environment: [String: String]
    private var hasDisk = false

    private init(app: String) throws {
        root = try HostPlaces.next(app: app)
        chmod(root, 0o755)
        self.app = app
        port = try FreePort.next()
        environment = [
            "PATH": Programs.built + ":" + Programs.path, "HOME": root, "PMO_HOME": root + "/h", "LANG": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org", "no_proxy": "*", "NO_PROXY": "*",
            "PMO_ROOT_SETTINGS": root + "/root.json",
        ]
    }

    /// Runs a test on a host with an app, and ends whatever it started, also where the test fails.
    ///
    /// - Parameter disk: a file system of its own for the home, which only root can mount: the options of a tmpfs, such as
    ///   `size=200m,nr_inodes=400`, or a disk image as `ext4:400m`.
    /// - Parameter prepared: makes an nginx that is not the home's own, and says so to `create`.
    static func with(
        app: String = "pmo", warm: String = "10m", disk: String? = nil,
        prepared: ((TestHost) throws -> [String])? = nil,
        _ body: (TestHost) async throws -> Void
    ) async throws {
        await HostGate.shared.enter()
        do {
            let host = try TestHost(app: app)
            do {
                if let disk { try await host.mount(disk) }
                try await host.create(
                    app, warm: warm, prepared?(host) ?? ["--listen", "127.0.0.1:\(host.port)"])
                try await host.makeWorkTree()
                try await body(host)
            } catch {
                await host.end()
                throw error
            }
            await host.end()
        } catch {
            await HostGate.shared.leave()
            throw error
        }
        await HostGate.shared.leave()
    }

    private func create(_ app: String, warm: String, _ nginx: [String]) async throws {
        let created = try await run(
            "pmo-release", ["create", app, "--supervisor", "runit", "--warm", warm] + nginx)
        try #require(created.status == 0, "\(created)")
        try #require(created.out.contains("git remote add production \(receiver)"))
    }

    /// The disk image's file, and its file system; empty where there is none.
    var image: String { root + "/disk" }
    private(set) var system = ""

    private func mount(_ disk: String) async throws {
        mkdir(home, 0o755)
        let parts = disk.split(separator: ":").map(String.init)
        if parts.count == 2 {
            system = parts[0]
            let flag = system == "xfs" ? "-q" : "-qF"
            for command in [["truncate", "-s", parts[1], image], ["mkfs.\(system)", flag, image]] {
                let made = try await run(command[0], Array(command.dropFirst()))
                try #require(made.status == 0, "\(made)")
            }
            hasDisk = true
            return try await mountImage()
        }
        let mounted = try await run("mount", ["-t", "tmpfs", "-o", disk, "tmpfs", home])
        try #require(mounted.status == 0, "\(mounted)")
        hasDisk = true
    }

    func mountImage() async throws {
        let mounted = try await run("mount", ["-o", "loop", image, home], directory: "/")
        try #require(mounted.status == 0, "\(mounted)")
    }

    private func makeWorkTree() async throws {
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        try await git("init", "--quiet", "--initial-branch", "main")
        try await git("remote", "add", "production", receiver)
    }

    // MARK: programs

    /// Starts a program; the test may look at it while it runs.
    func start(
        _ program: String, _ arguments: [String], environment extra: [String: String] = [:],
        directory: String? = nil, input: String = ""
    ) throws -> Subprocess {
        try Subprocess(
            Programs.find(program), arguments, environment: environment.merging(extra) { _, new in new },
            directory: directory ?? (access(work, F_OK) == 0 ? work : root), input: input)
    }

    /// Runs a program to its end.
    @discardableResult
    func run(
        _ program: String, _ arguments: [String], environment extra: [String: String] = [:],
        directory: String? = nil, input: String = "", within limit: Duration = .seconds(300)
    ) async throws -> Ended {
        try await start(program, arguments, environment: extra, directory: directory, input: input).ended(within: limit)
    }

    func pmo(_ arguments: String..., input: String = "") async throws -> Ended {
        try await run("pmo-release", arguments, input: input)
    }

    /// A git command that must work.
    @discardableResult
    func git(_ arguments: String..., directory: String? = nil, input: String = "") async throws -> String {
        let ended = try await run("git", arguments, directory: directory, input: input)
        try #require(ended.status == 0, "git \(arguments.joined(separator: " ")): \(ended)")
        return ended.out.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func push(_ what: String..., environment: [String: String] = [:], within: Duration = .seconds(300)) async throws
        -> Ended
    {
        try await run(
            "git", ["push", "production"] + (what.isEmpty ? ["main"] : what), environment: environment, within: within)
    }

    // MARK: the work tree

    func write(_ files: [String: String]) throws {
        for (name, text) in files {
            let place = URL(fileURLWithPath: "\(work)/\(name)")
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: place)
        }
    }

    /// Replaces a text that must be there.
    func replace(_ text: String, by other: String, in name: String) throws {
        let old = try String(contentsOfFile: "\(work)/\(name)", encoding: .utf8)
        try #require(old.contains(text))
        try write([name: old.replacingOccurrences(of: text, with: other)])
    }

    /// Commits the whole work tree.
    ///
    /// - Returns: the commit's id.
    @discardableResult
    func commit(_ message: String) async throws -> String {
        try await git("add", "--all")
        try await git("commit", "--quiet", "--allow-empty", "--message", message)
        return try await git("rev-parse", "HEAD")
    }

    /// Writes the files, commits and pushes them; the push must go live.
    @discardableResult
    func deploy(_ files: [String: String], _ message: String = "A change") async throws -> String {
        try write(files)
        let commit = try await commit(message)
        let pushed = try await push()
        try #require(pushed.status == 0, "\(pushed)")
        return commit
    }

    // MARK: its end

    private func end() async {
        // An nginx that is not the home's own ends with its workers.
        if let pid = text(root + "/nginx.pid")?.split(separator: "\n").first.flatMap({ pid_t($0) }) {
            kill(pid, SIGTERM)
        }
        signal { $0.contains("deploy-worker") || $0.contains("retire") }
        _ = try? await run("pmo-release", ["shutdown"], directory: "/", within: .seconds(30))
        _ = try? await eventually {
            signal { _ in true }
            return !RunningProcess.all().contains { $0.mentions(root + "/") }
        }
        if hasDisk { _ = try? await run("umount", ["--lazy", home], directory: "/") }
        try? FileManager.default.removeItem(atPath: root)
    }

    private func signal(_ condition: ([String]) -> Bool) {
        for process in RunningProcess.all() where process.mentions(root + "/") && condition(process.arguments) {
            kill(process.pid, SIGKILL)
        }
    }
}

/// Gives each host a directory whose ports are far from those of the hosts beside it. A host looks for ports from a place
/// on that its path decides, and knows only of those that are in use: two homes could choose the same otherwise.
enum HostPlaces {
    private static let count = Atomic<Int>(Int(getpid()))
    private static let slices = 100

    static func next(app: String) throws -> String {
        let slice = count.wrappingAdd(1, ordering: .relaxed).newValue % slices
        while true {
            var template = Array("/tmp/pmoXXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { throw SpawnFailure(program: "mkdtemp", problem: "\(errno)") }
            let root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // Where `PortAllocation` begins: FNV-1a of the app's path, in a range of 10,000.
            let hash = "\(root)/h/\(app)".utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
            if Int(hash) % 10_000 / (10_000 / slices) == slice { return root }
            rmdir(root)
        }
    }
}

/// Lets a few hosts live at a time: each has processes of its own, and the tests measure time limits.
actor HostGate {
    static let shared = HostGate(places: 3)
    private var places: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { self.places = places }

    func enter() async {
        if places > 0 {
            places -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty { places += 1 } else { waiting.removeFirst().resume() }
    }
}
