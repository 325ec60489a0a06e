import ArgumentParser
import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// What an ssh key may do: the forced command of its line in `authorized_keys`.
struct ShellCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell", abstract: "The forced command of an ssh key.", shouldDisplay: false)
    @Option(help: "The key's name, as the ledger records it.") var key: String
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let asked = getenv("SSH_ORIGINAL_COMMAND").map { String(cString: $0) } ?? ""
        let session = try ShellSession(key: KeyName(key), host: home.layout)
        let request = try ShellRequest(asked)
        try session.check(request)
        switch request {
        case .push(let app): try await push(app, session)
        case .fetch(let app): throw ExitCode(try git("upload-pack", session.layout(app), session, origin: ""))
        case .command(let words):
            throw ExitCode(try spawn(Caller.executable, words + ["--home", home.layout.home.string], session, [:]))
        }
    }

    /// A33: what sshd has taken of the client's environment (`AcceptEnv`) names no home, no key and no file: of all
    /// that the process was given, what was asked for and git's protocol are left.
    static func forgetClientEnvironment() {
        let names = ["SSH_ORIGINAL_COMMAND", "GIT_PROTOCOL"]
        let values = names.map { (name: String) in getenv(name).map { String(cString: $0) } }
        clearenv()
        for (name, value) in zip(names, values) { if let value { setenv(name, value, 1) } }
        setenv("PATH", HostPrograms.environment["PATH"] ?? "/usr/bin:/bin", 1)
    }

    /// The exit status tells the outcome, also where git is too old to ask proc-receive.
    private func push(_ app: AppName, _ session: ShellSession) async throws {
        let layout = try session.layout(app)
        let origin = "ssh:\(ProcessIdentity.current().pid):\(ProcessIdentity.current().started)"
        let status = try git("receive-pack", layout, session, origin: origin, through: try limitedGit())
        guard status == 0 else { throw ExitCode(status) }
        let caused = try Ledger(layout).deploys(origin: origin)
        if caused.contains(where: { $0.state != .live }) { throw ExitCode(1) }
    }

    /// Where git is to look for itself: there, it is this program, which limits it.
    private func limitedGit() throws -> String {
        let directory = home.layout.gitPrograms
        let link = directory.appending("git")
        // A home of an older version has none.
        if access(link.string, X_OK) != 0 {
            try DurableFile.makeDirectories(directory)
            try DurableFile.link(at: link, to: "../bin/post-receive")
        }
        return directory.string
    }

    private func git(
        _ verb: String, _ layout: AppLayout, _ session: ShellSession, origin: String, through programs: String? = nil
    ) throws -> Int32 {
        var extra = ["PMO_ORIGIN": origin]
        extra["GIT_EXEC_PATH"] = programs
        // The protocol's version is the one thing of the client's environment that git needs.
        if let version = getenv("GIT_PROTOCOL").map({ String(cString: $0) }),
            ["version=0", "version=1", "version=2"].contains(version)
        {
            extra["GIT_PROTOCOL"] = version
        }
        return try spawn(HostPrograms.find("git"), [verb, layout.repository.string], session, extra)
    }

    /// Runs a program on this process's own input and output, with an environment made anew.
    private func spawn(_ program: String, _ arguments: [String], _ session: ShellSession, _ extra: [String: String])
        throws -> Int32
    {
        var environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"]
        environment["PMO_KEY"] = session.key.text
        environment[Caller.appsVariable] = session.apps
        environment.merge(extra) { _, new in new }
        return try ForegroundProcess.run(program, arguments, environment: environment)
    }
}

/// What a client of ssh asked for; parsed exactly, never handed to a shell.
enum ShellRequest: Equatable {
    case push(AppName)
    case fetch(AppName)
    case command([String])

    /// Verbs that work over ssh, and the right that each takes.
    static let verbs: [String: KeyRight] = [
        "apps": .read, "list": .read, "show": .read, "status": .read, "ps": .read, "logs": .read, "log": .read,
        "history": .read, "site": .read,
        "switch": .operate, "rollback": .operate, "deploy": .operate, "retry": .operate,
        "restart": .operate, "lock": .operate, "unlock": .operate, "maintenance": .operate,
    ]

    init(_ text: String) throws {
        guard text.utf8.count <= 1024, !text.isEmpty else { throw ShellError.refused }
        for (prefix, isPush) in [
            ("git-receive-pack ", true), ("git receive-pack ", true), ("git-upload-pack ", false),
            ("git upload-pack ", false),
        ] where text.hasPrefix(prefix) {
            let app = try Self.app(String(text.dropFirst(prefix.count)))
            self = isPush ? .push(app) : .fetch(app)
            return
        }
        var words = text.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        // Hints are written as for the host.
        if words.first == "pmo-release" { words.removeFirst() }
        // A page of one's own would be any file that the apps' user can read.
        guard let verb = words.first, Self.verbs[verb] != nil,
            !words.contains(where: { $0.hasPrefix("--home") || $0.hasPrefix("--page") })
        else { throw ShellError.refused }
        // What stands behind `-m` is a sentence; it goes to the program as it is, and to no shell.
        let plain = ["lock", "maintenance"].contains(verb) ? words.prefix { $0 != "-m" } : words[...]
        guard plain.allSatisfy(Self.isPlain), words.allSatisfy({ $0 == $0.shown() }) else { throw ShellError.refused }
        self = .command(words)
    }

    private static func isPlain(_ word: String) -> Bool {
        word.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._".utf8.contains(byte)
        }
    }

    /// `'pmo'`, `'/pmo.git'`, `'/srv/pmo/pmo/repo.git'`: git quotes the path in single quotes.
    private static func app(_ quoted: String) throws -> AppName {
        var path = quoted[...]
        if path.count >= 2, path.hasPrefix("'"), path.hasSuffix("'") { path = path.dropFirst().dropLast() }
        var parts = path.split(separator: "/", omittingEmptySubsequences: true)
        if parts.last == "repo.git" { parts.removeLast() }
        guard var name = parts.last.map(String.init), !path.contains("'"), !parts.contains("..") else {
            throw ShellError.refused
        }
        if name.hasSuffix(".git") { name.removeLast(4) }
        do { return try AppName(name) } catch { throw DeployError.noSuchApp(name) }
    }
}
