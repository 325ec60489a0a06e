import FailPoints
public import GitRepository
public import HostControl
public import ReleaseModel
public import ReleaseStore
import SiteTemplates
import SystemPackage

/// An app together with what acts on it: its stores, and the host's supervisor and nginx.
public struct AppHost: Sendable {
    /// Where everything of the app is.
    public let layout: AppLayout
    /// What was said at `create`.
    public let settings: AppSettings
    /// What holds for every app of the host.
    public let hostSettings: HostSettings
    /// The app's releases.
    public let store: ReleaseStore
    /// The app's ports and sockets.
    public let slots: SlotStore
    /// The operator's values.
    public let environment: EnvironmentStore
    /// The one seam through which other programs are run.
    public let runner: any CommandRunner
    /// What keeps services running.
    public let supervisor: any Supervisor
    /// What serves the sites.
    public let nginx: any SiteServer
    /// Takes what whoever is at work should be told beside the outcome, a line each; nobody is, unless set.
    public var notice: @Sendable (String) -> Void = { _ in }

    /// Which trees may be deployed.
    public var treePolicy: TreePolicy { TreePolicy(submodules: settings.submodules) }

    /// Opens an app that `create` has made.
    ///
    /// - Throws: `DeployError.noSuchApp`, or a store's error for settings that cannot be read.
    public init(opening layout: AppLayout, runner: any CommandRunner = ProcessRunner()) throws {
        guard layout.exists else { throw DeployError.noSuchApp(layout.name.text) }
        try FailPoints.arm(forOwnerOf: layout.root.string)
        try layout.host.ensureVersion()
        try self.init(
            layout: layout, settings: AppSettings.load(from: layout.settings),
            hostSettings: HostSettings.load(from: layout.host.settings), runner: runner)
    }

    private init(layout: AppLayout, settings: AppSettings, hostSettings: HostSettings, runner: any CommandRunner) {
        self.layout = layout
        self.settings = settings
        self.hostSettings = hostSettings
        self.runner = runner
        store = ReleaseStore(layout)
        slots = SlotStore(layout)
        environment = EnvironmentStore(layout)
        let services = HostServices(host: layout.host, settings: hostSettings, runner: runner)
        supervisor = services.supervisor
        nginx = services.nginx
    }

    /// The address that people open: the first site's domain, with the port where it is not 80.
    public func url(of manifest: Manifest) -> String? {
        guard let site = manifest.sites.first else { return nil }
        let (scheme, usual) = hostSettings.hasHostNginx ? ("https", 443) : ("http", 80)
        let port = hostSettings.listenPort == usual ? "" : ":\(hostSettings.listenPort)"
        return "\(scheme)://\(site.domain ?? settings.domain)\(port)/"
    }
}

/// What serves every app of a host: the supervisor and nginx.
public struct HostServices: Sendable {
    /// What keeps services running.
    public let supervisor: any Supervisor
    /// What serves the sites.
    public let nginx: any SiteServer

    /// Puts together what the host's settings name; starts nothing.
    public init(host: HostLayout, settings: HostSettings, runner: any CommandRunner = ProcessRunner()) {
        let supervisor: any Supervisor =
            switch settings.supervisor {
            case .runit: RunitSupervisor(services: host.services, runner: runner)
            case .systemd:
                SystemdSupervisor(runner: runner, isUser: !ProcessOwner.isRoot) { instance, systemd in
                    try SiteTemplates.systemdUnit(SystemdContext(instance, systemd, home: host.home))
                }
            }
        self.supervisor = supervisor
        nginx =
            settings.hasHostNginx
            ? HostNginx(host: host, settings: settings, runner: runner)
            : Self.ownNginx(host.nginx, settings, supervisor, runner)
    }

    private static func ownNginx(
        _ directory: FilePath, _ settings: HostSettings, _ supervisor: any Supervisor, _ runner: any CommandRunner
    ) -> Nginx {
        Nginx(
            directory: directory, supervisor: supervisor, runner: runner,
            listen: (settings.listenAddress, settings.listenPort)
        ) { files in
            try SiteTemplates.nginx(
                NginxContext(
                    directory: directory.string, user: ProcessOwner.isRoot ? ProcessOwner.name : nil,
                    listenAddress: settings.listenAddress, listenPort: settings.listenPort,
                    generation: files.generation, sitesDirectory: files.sites.string,
                    controlSocket: files.control.string, pidFile: files.pid.string))
        }
    }
}
