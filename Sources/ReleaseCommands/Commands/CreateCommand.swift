import ArgumentParser
import DeployPipeline
import FailPoints
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

struct CreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make an app and its receiver.")

    @Argument(help: "The app's name: lower-case letters, digits and “-”.") var app: String
    @Option(help: "The branch that deploys.") var branch = "main"
    @Option(help: "The app's own domain (default: <app>.localhost).") var domain: String?
    @Option(help: "The manifest's environment whose overrides apply.") var environment: String?
    @Option(help: "How long a replaced release stays warm.") var warm = "10m"
    @Option(help: "How releases share: auto, copy, reflink, hardlink, recycle or none.") var share = "auto"
    @Option(help: "What becomes of a submodule: refuse, or empty for an empty directory.") var submodules = "refuse"
    @Option(help: "Where nginx listens, [ADDRESS:]PORT (default: 80 as root, else 8080). Holds for all apps.")
    var listen: String?
    @Option(help: "What keeps services running, runit or systemd (default: what the host has). Holds for all apps.")
    var supervisor: String?
    @Option(help: "Which nginx serves, host or own (default: host for the package's user). Holds for all apps.")
    var nginx: String?
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let name: AppName
        do {
            name = try AppName(app)
        } catch {
            throw InvalidValue(error.kind, error.value, error.rule, hint: "pmo-release create my-app")
        }
        let branch = try BranchName(branch)
        let settings = AppSettings(
            branch: branch, domain: try Domain(domain ?? "\(name).localhost"),
            environment: try environment.map { try EnvironmentName($0).text }, warm: try TimeLimit(warm),
            share: try ShareWay(share), submodules: try SubmoduleRule(submodules), created: currentTime(),
            createdBy: Caller.name)
        let host = home.layout
        let layout = host.app(name)
        guard !layout.exists else { throw CreateError.exists(name) }
        guard !layout.isTaken else { throw CreateError.inTheWay(layout.root.string) }
        try checkPrograms()
        let hostSettings = try HostSetup(host: host, listen: listen, supervisor: supervisor, nginx: nginx).settings()
        try Self.prepareHome(host)
        try FailPoints.arm(forOwnerOf: host.home.string)
        try host.requireFree([settings.domain], for: name)
        if settings.share == .hardlink { try await AppHost.requireSeal(of: host.home) }
        try hostSettings.save(to: host.settings)
        if hostSettings.supervisor == .systemd { try await BootUnit(host).install() }
        do {
            try layout.appear { made in
                try made.createDirectories()
                try ReceiverSetup(layout: made, branch: branch).make()
                try settings.save(to: made.settings)
            }
        } catch StoreError.system(_, _, EEXIST) {
            throw layout.exists ? CreateError.exists(name) : CreateError.inTheWay(layout.root.string)
        }
        try? host.sweepApps()
        report(layout, settings, hostSettings)
    }

    private func checkPrograms() throws {
        _ = try HostPrograms.find("git")
        _ = try HostPrograms.find("nginx")
        _ = try HostPrograms.find("curl")
    }

    /// What all apps of a home need before the first one is made.
    static func prepareHome(_ host: HostLayout) throws {
        do {
            for directory in [host.home, host.private, host.bin, host.services, host.nginx] {
                try DurableFile.makeDirectories(directory)
            }
        } catch {
            throw CreateError.home(host.home.string, Reason(error).sentence)
        }
        guard access(host.home.string, W_OK) == 0 else {
            throw CreateError.home(host.home.string, "\(Errno(rawValue: errno))")
        }
        try host.ensureVersion()
        let own = FilePath(Caller.executable)
        let sibling = own.removingLastComponent().appending("post-receive")
        try DurableFile.link(at: host.bin.appending("pmo-release"), to: own.string)
        try DurableFile.link(
            at: host.bin.appending("post-receive"),
            to: (access(sibling.string, X_OK) == 0 ? sibling : own).string)
    }

    private func report(_ layout: AppLayout, _ settings: AppSettings, _ host: HostSettings) {
        Output.progress(
            "created \(layout.name) in \(layout.root), deploys \(settings.branch), supervised by \(host.supervisor)")
        if !KeyStore(layout.host).exists, HomeOwner.became {
            Output.progress("let a key in: pmo-release key add <name> < key.pub")
        }
        Output.progress("on your side:")
        // A repository may have production, too.
        let name = settings.environment ?? "production"
        Output.line("git remote add \(name) \(Self.remote(layout))")
        Output.line("git push \(name) \(settings.branch)")
    }

    /// What git is told: over ssh where root has made the app for the home's owner, who has keys for that.
    private static func remote(_ layout: AppLayout) -> String {
        guard HomeOwner.became else { return layout.repository.string }
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(ProcessOwner.name)@\(host):\(layout.name)"
    }
}

/// Why an app cannot be made.
enum CreateError: HintedError {
    case exists(AppName)
    case inTheWay(String)
    case home(String, String)
    case listen(String)
    case hostDiffers(what: String, has: String, asked: String)
    case portTaken(address: String, Int, by: String)
    case supervisor(String)
    case noSystemd
    case noUserManager(String)
    case server(String)
    case listenOfHost
    case otherHome(String)
    case rootsHome(String, of: String)

    var description: String {
        switch self {
        case .exists(let name): "the app \(name) exists already"
        case .inTheWay(let path):
            "there is something at \(path.shown(limit: 200)) already: an app without settings, or none"
        case .home(let path, let problem): "cannot write to the home \(path): \(problem)"
        case .listen(let text): "--listen takes [ADDRESS:]PORT, not “\(text.shown(limit: 40))”"
        case .hostDiffers(let what, let has, _): "this host's apps share one \(what): \(has)"
        case .portTaken(_, let port, let holder): "port \(port) is taken by \(holder)"
        case .noSystemd: "this host runs no systemd that this user can reach"
        case .noUserManager(let user): "systemd runs nothing of \(user)'s own, and would not at boot"
        case .server(let name): "--nginx takes own or host, not “\(name.shown(limit: 40))”"
        case .listenOfHost: "the host's nginx listens where root has said, not where --listen says"
        case .otherHome(let home): "the root helper serves the apps in \(home.shown(limit: 200)) alone"
        case .rootsHome(let home, let user): "\(home) is root's, and apps are \(user)'s: a push would run as root"
        case .supervisor(let name): "--supervisor takes runit or systemd, not “\(name.shown(limit: 40))”"
        }
    }
    var hint: String? {
        switch self {
        case .exists(let name): "pmo-release show \(name)"
        case .inTheWay(let path):
            "give it its settings.json back where it is an app, else: mv \(path.shellQuoted) \("\(path).old".shellQuoted)"
        case .home: "name another with --home or PMO_HOME, or run as its owner"
        case .listen: "--listen 127.0.0.1:8080"
        case .hostDiffers(let what, _, let asked): "leave the option out, or use another --home for \(what) \(asked)"
        case .portTaken(let address, let port, _):
            "--listen \(address == "0.0.0.0" ? "" : "\(address):")\(port == 80 ? 8080 : port + 1)"
        case .supervisor, .noSystemd: "--supervisor runit"
        case .noUserManager(let user): "as root: loginctl enable-linger \(user); or --supervisor runit"
        case .server, .otherHome: "--nginx own"
        case .rootsHome(let home, let user): "chown \(user): \(home)"
        case .listenOfHost: "leave --listen out, or add --nginx own"
        }
    }
    var outcome: ErrorOutcome {
        switch self {
        case .listen, .supervisor, .server: .usage
        default: .refused
        }
    }
}
