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
        let key = try KeyName(key)
        switch try ShellRequest(asked) {
        case .push(let app): try await push(app, key)
        case .fetch(let app): throw ExitCode(try git("upload-pack", try layout(app), key, origin: ""))
        case .command(let words):
            throw ExitCode(try spawn(Caller.executable, words + ["--home", home.layout.home.string], key, [:]))
        }
    }

    /// The exit status tells the outcome, also where git is too old to ask proc-receive.
    private func push(_ app: AppName, _ key: KeyName) async throws {
        let layout = try layout(app)
        let origin = "ssh:\(ProcessIdentity.current().pid):\(ProcessIdentity.current().started)"
        let status = try git("receive-pack", layout, key, origin: origin)
        guard status == 0 else { throw ExitCode(status) }
        let caused = try Ledger(layout).deploys(origin: origin)
        if caused.contains(where: { $0.state != .live }) { throw ExitCode(1) }
    }

    private func layout(_ app: AppName) throws -> AppLayout {
        let layout = home.layout.app(app)
        guard layout.exists else { throw DeployError.noSuchApp(app.text) }
        return layout
    }

    private func git(_ verb: String, _ layout: AppLayout, _ key: KeyName, origin: String) throws -> Int32 {
        var extra = ["PMO_ORIGIN": origin]
        // The protocol's version is the one thing of the client's environment that git needs.
        if let version = getenv("GIT_PROTOCOL").map({ String(cString: $0) }),
            ["version=0", "version=1", "version=2"].contains(version)
        {
            extra["GIT_PROTOCOL"] = version
        }
        return try spawn(HostPrograms.find("git"), [verb, layout.repository.string], key, extra)
    }

    /// Runs a program on this process's own input and output, with an environment made anew.
    private func spawn(_ program: String, _ arguments: [String], _ key: KeyName, _ extra: [String: String]) throws
        -> Int32
    {
        var environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"]
        environment["PMO_KEY"] = key.text
        environment.merge(extra) { _, new in new }
        return try ForegroundProcess.run(program, arguments, environment: environment)
    }
}

/// A key's name: 1 to 64 letters, digits and `-._@`, starting with a letter or digit.
struct KeyName: ValidatedText {
    static let kind = "key name"
    let text: String
    init(_ text: String) throws(InvalidValue) {
        let rest = "-._@"
        guard (1...64).contains(text.utf8.count), let first = text.first, first.isASCII,
            first.isLetter || first.isNumber,
            text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || rest.contains($0)) })
        else { throw InvalidValue(Self.kind, text, "must be 1 to 64 letters, digits and “-._@”") }
        self.text = text
    }
}

/// What a client of ssh asked for; parsed exactly, never handed to a shell.
enum ShellRequest: Equatable {
    case push(AppName)
    case fetch(AppName)
    case command([String])

    /// Verbs that work over ssh.
    static let verbs: Set<String> = [
        "apps", "list", "show", "status", "ps", "logs", "log", "history", "switch", "rollback", "deploy", "retry",
        "restart",
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
        let words = text.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        let allowed = words.allSatisfy { word in
            word.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._".utf8.contains(byte)
            }
        }
        guard let verb = words.first, Self.verbs.contains(verb), allowed,
            !words.contains(where: { $0.hasPrefix("--home") })
        else { throw ShellError.refused }
        self = .command(words)
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

/// Anything else over ssh.
enum ShellError: HintedError {
    case refused
    var description: String { "this key may push, and run pmo-release's own commands" }
    var hint: String? { "ssh <host> list" }
    var outcome: ErrorOutcome { .refused }
}
