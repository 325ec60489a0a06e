import FailPoints
import FoundationEssentials
import Glibc
import HostCertificates
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// `pmo-release-root`: the verbs that root runs for the apps' user. Its arguments are taken as they are, word for word;
/// nothing of its environment counts where sudo has started it.
public enum RootProgram {
    /// What it is asked for.
    enum Verb: Equatable {
        case apply(AppName)
        case remove(AppName)
        case test(AppName?)
        case render(AppName)
        case install(AppName, Domain?)
        case issue(AppName, CertificateRequest)
        case renew(AppName)
        case forget(AppName)
        case status(AppName)
        case deployed
        case setUp
        case tearDown
    }

    /// Runs the process's own arguments and ends the process.
    public static func main() async -> Never {
        signal(SIGPIPE, SIG_IGN)
        umask(0o022)
        exit(await run(Array(CommandLine.arguments.dropFirst())))
    }

    /// Runs a verb.
    ///
    /// - Returns: 0 done, 1 failed, 3 refused, 64 usage.
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            let verb = try verb(arguments)
            let control = try control()
            try checkCaller(verb, control)
            tell(try await perform(verb, control))
            return 0
        } catch {
            let hinted = error as? any HintedError
            let sentence = hinted?.description ?? "\(error)"
            tell(RootAnswer(error: sentence, hint: hinted?.hint))
            return (hinted?.outcome ?? .failed).rawValue
        }
    }

    /// The verb of some arguments.
    ///
    /// - Throws: `SiteControlError.usage` for anything else, or an app's name that is none.
    static func verb(_ arguments: [String]) throws -> Verb {
        if arguments.count > 2, arguments[0] == "cert", arguments[1] == "issue" {
            let app = try AppName(arguments[2])
            guard let request = try CertificateRequest(arguments: arguments.dropFirst(3)) else {
                throw SiteControlError.usage
            }
            return .issue(app, request)
        }
        return switch (arguments.count, arguments.first, arguments.dropFirst().first) {
        case (3, "site", "apply"): .apply(try AppName(arguments[2]))
        case (3, "site", "remove"): .remove(try AppName(arguments[2]))
        case (3, "site", "test"): .test(try AppName(arguments[2]))
        case (2, "site", "test"): .test(nil)
        case (3, "site", "render"): .render(try AppName(arguments[2]))
        case (3, "cert", "install"): .install(try AppName(arguments[2]), nil)
        case (4, "cert", "install"): .install(try AppName(arguments[2]), try Domain(arguments[3]))
        case (3, "cert", "renew"): .renew(try AppName(arguments[2]))
        case (3, "cert", "forget"): .forget(try AppName(arguments[2]))
        case (3, "cert", "status"): .status(try AppName(arguments[2]))
        case (2, "cert", "deployed"): .deployed
        case (1, "setup", _): .setUp
        case (1, "teardown", _): .tearDown
        default: throw SiteControlError.usage
        }
    }

    private static func perform(_ verb: Verb, _ control: SiteControl) async throws -> RootAnswer {
        if case .status(let app) = verb { return RootAnswer(certificates: try await control.status(app)) }
        if case .render(let app) = verb {
            return RootAnswer(site: try await control.rendered(app, values: input(atMost: SiteValues.longest)))
        }
        let notices: [String] =
            switch verb {
            case .apply(let app): try await control.apply(app)
            case .remove(let app): try await control.remove(app)
            case .test(let app): try await control.test(app)
            case .install(let app, let domain): try await control.install(app, pem: try pem(), domain: domain)
            case .issue(let app, let request): try await control.issue(app, request)
            case .renew(let app): try await control.renew(app)
            case .forget(let app): try await control.forget(app)
            case .status, .render: []
            case .deployed:
                try await control.deployed(getenv("RENEWED_LINEAGE").map { String(cString: $0) } ?? "")
            case .setUp: try await control.setUp()
            case .tearDown: try await control.tearDown()
            }
        return RootAnswer(notices: notices)
    }

    /// Root's own file; another one, and fail points, only for whoever has not come by sudo.
    private static func control() throws -> SiteControl {
        guard !isBySudo, getuid() == geteuid(), let named = getenv(RootSettings.variable) else {
            return SiteControl(try RootSettings.load())
        }
        let path = FilePath(String(cString: named))
        let settings = try RootSettings.load(from: path)
        try FailPoints.arm(forOwnerOf: settings.home)
        return SiteControl(settings, file: path)
    }

    /// Certificates and a key.
    private static func pem() throws -> String {
        String(decoding: try input(atMost: CertificatePair.longest), as: UTF8.self)
    }

    /// What it is given to read; a byte more than it may be, where it is longer.
    private static func input(atMost longest: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count <= longest {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Whether sudo has started this program: it says so of whatever it starts (sudo(8)), and what that starts in turn,
    /// as apt and certbot do, has that in its environment, too.
    private static var isBySudo: Bool {
        guard getenv("SUDO_UID") != nil else { return false }
        guard let started = getenv("SUDO_COMMAND").map({ String(cString: $0) }) else { return true }
        return started.prefix { $0 != " " }.split(separator: "/").last == "pmo-release-root"
    }

    /// By sudo, the apps' user alone may ask, and not for what is the package's.
    private static func checkCaller(_ verb: Verb, _ control: SiteControl) throws {
        guard isBySudo, let uid = getenv("SUDO_UID").map({ String(cString: $0) }), uid != "0" else { return }
        guard UInt32(uid) == (try control.owner()), ![.setUp, .tearDown, .deployed].contains(verb) else {
            throw SiteControlError.notYours
        }
    }

    /// To a program in JSON, to a person in words.
    private static func tell(_ answer: RootAnswer) {
        if isatty(STDOUT_FILENO) == 0, let bytes = try? JSONEncoder().encode(answer) {
            write([UInt8](bytes) + [UInt8(ascii: "\n")], STDOUT_FILENO)
        }
        var lines = answer.notices.map { $0.shown(limit: 600) }
        if let error = answer.error { lines.append("pmo-release-root: error: \(error)") }
        if let hint = answer.hint { lines.append("hint: \(hint)") }
        write(Array(lines.map { $0 + "\n" }.joined().utf8), STDERR_FILENO)
    }

    private static func write(_ bytes: [UInt8], _ descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
