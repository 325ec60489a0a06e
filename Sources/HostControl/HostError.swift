public import ReleaseModel

/// Why the host did not do what was asked.
public enum HostError: HintedError {
    /// A program is not installed; `package` is Debian's that brings it.
    case missingProgram(name: String, package: String)
    /// A program could not be started.
    case spawn(program: String, code: Int32, message: String)
    /// A program ended with an error.
    case program(name: String, problem: String)
    /// A file could not be read or written.
    case file(path: String, message: String)
    /// An instance's supervisor did not come up.
    case supervisor(unit: String, problem: String)
    /// This user has no manager of systemd's, which would run its services.
    case noUserManager(user: String)
    /// The user's manager, and with it each service, ends with the user's last session, and is not started at boot.
    case endsWithSession(user: String)
    /// nginx refuses the app's own site.
    case siteRefused(app: String, message: String)
    /// nginx refuses a file that is not this app's.
    case otherSiteRefused(file: String, message: String)
    /// A port that is needed is held by somebody else.
    case portTaken(port: Int, holder: String)
    /// nginx did not take over a configuration.
    case nginx(String)
    /// The root helper did not do it: its sentence, its hint, and whether it refused to.
    case root(sentence: String, hint: String?, isRefusal: Bool)

    /// One sentence, lower case.
    public var description: String {
        switch self {
        case .missingProgram(let name, _): "\(name) is not installed"
        case .spawn(let program, _, let message): "cannot start \(program): \(message)"
        case .program(let name, let problem): "\(name) failed: \(problem.shown(limit: 300))"
        case .file(let path, let message): "\(path.shown(limit: 200)): \(message)"
        case .supervisor(let unit, let problem): "\(unit): \(problem)"
        case .noUserManager(let user): "systemd runs nothing of \(user)'s own"
        case .endsWithSession(let user):
            "systemd ends what \(user) runs with \(user)'s last session, and does not start it at boot"
        case .siteRefused(_, let message): "nginx refuses the site: \(message.shown(limit: 300))"
        case .otherSiteRefused(let file, let message):
            "nginx refuses another site of the host, \(file.shown(limit: 200)): \(message.shown(limit: 300))"
        case .portTaken(let port, let holder): "port \(port) is taken by \(holder.shown(limit: 60))"
        case .nginx(let problem): "nginx: \(problem.shown(limit: 300))"
        case .root(let sentence, _, _): sentence.shown(limit: 600)
        }
    }

    /// A command that helps.
    public var hint: String? {
        switch self {
        case .missingProgram(_, let package): "apt-get install \(package)"
        case .otherSiteRefused: "correct or remove that file, then try again"
        case .portTaken(let port, _): "ss -ltnp 'sport = :\(port)'"
        case .supervisor: "pmo-release ps"
        case .noUserManager(let user):
            "as root: loginctl enable-linger \(user); systemctl start user@$(id -u \(user)).service"
        case .endsWithSession(let user): "as root: loginctl enable-linger \(user)"
        case .root(_, let hint, _): hint?.shown(limit: 300)
        default: nil
        }
    }

    /// Refused where the root helper said so, and before something is started that would not stay.
    public var outcome: ErrorOutcome {
        switch self {
        case .root(_, _, true), .endsWithSession: .refused
        default: .failed
        }
    }
}
