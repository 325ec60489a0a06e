import FoundationEssentials
import Glibc
public import ReleaseModel
public import SystemPackage

/// The one program that root runs for the apps' user, `pmo-release-root`: a few verbs, values checked by itself.
public struct RootHelper: Sendable {
    /// Where the package puts it; sudo is told of no other place.
    public static let installed = "/usr/bin/pmo-release-root"

    private let runner: any CommandRunner
    private let program: String
    private let settings: FilePath?
    private let environment: [String: String]

    /// The helper.
    ///
    /// - Parameter settings: `RootSettings` other than the host's: it is then called without sudo.
    /// - Parameter program: the helper's file, where it is not the package's.
    /// - Parameter environment: what it is told besides where it is called without sudo, which passes nothing on.
    public init(
        runner: any CommandRunner, settings: FilePath? = nil, program: String = RootHelper.installed,
        environment: [String: String] = [:]
    ) {
        self.runner = runner
        self.settings = settings
        self.program = program
        self.environment = environment
    }

    /// The command of a verb.
    func command(_ arguments: [String], input: [UInt8]?) throws(HostError) -> Command {
        var environment = HostPrograms.environment
        if let settings {
            environment.merge(self.environment) { $1 }
            environment["PMO_ROOT_SETTINGS"] = settings.string
        }
        guard settings == nil, geteuid() != 0 else {
            return Command(executable: program, arguments: arguments, environment: environment, input: input)
        }
        return Command(
            executable: try HostPrograms.find("sudo"), arguments: ["-n", "--", program] + arguments,
            environment: environment, input: input)
    }

    /// Has it done.
    ///
    /// - Returns: what it has to tell.
    /// - Throws: `HostError.root` with the helper's own words.
    @discardableResult
    public func run(
        _ arguments: [String], input: [UInt8]? = nil, within limit: Duration = .seconds(180)
    ) async throws(HostError) -> RootAnswer {
        guard access(program, X_OK) == 0 else { throw .missingProgram(name: program, package: "pmo-release") }
        let result = try await runner.run(command(arguments, input: input), within: limit)
        let answer = try? JSONDecoder().decode(RootAnswer.self, from: Data(result.output))
        if result.succeeded { return answer ?? RootAnswer() }
        throw .root(
            sentence: answer?.error ?? "pmo-release-root: \(result.timedOut ? "was not done in time" : result.problem)",
            hint: answer?.hint ?? (answer == nil ? "sudo -n -l \(program)" : nil),
            isRefusal: result.status == ErrorOutcome.refused.rawValue)
    }
}

extension RootHelper {
    /// The certificates that nginx really shows for an app's domains; a handshake for each.
    ///
    /// - Throws: what `run` does.
    public func certificates(
        of app: AppName, within limit: Duration = .seconds(180)
    ) async throws(HostError) -> [CertificateState] {
        try await run(["cert", "status", app.text], within: limit).certificates ?? []
    }
}

/// What the root helper tells its caller, as JSON in a line.
public struct RootAnswer: Codable, Sendable {
    /// What is worth knowing of what was done.
    public var notices: [String]
    /// Why it was not done.
    public var error: String?
    /// What helps.
    public var hint: String?
    /// The certificates that were asked for.
    public var certificates: [CertificateState]?
    /// The site that was asked for, in nginx's own words.
    public var site: String?

    /// An answer.
    public init(
        notices: [String] = [], error: String? = nil, hint: String? = nil, certificates: [CertificateState]? = nil,
        site: String? = nil
    ) {
        self.notices = notices
        self.certificates = certificates
        self.site = site
        self.error = error
        self.hint = hint
    }
}
