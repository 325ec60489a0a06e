import ArgumentParser
import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Runs a control under the lock and records it.
private func control(
    _ host: AppHost, _ verb: String, _ detail: String = "", _ body: (ServiceControl) async throws -> Void
) async throws {
    var host = host
    host.notice = Output.progress
    // Recorded under the lock, by which whoever watches the release learns that its processes did not end by themselves.
    try await withAppLock(host, verb) { [host] in
        try await body(ServiceControl(host))
        Caller.record(verb, detail, of: host.layout)
    }
}

/// Whether there is nothing to control, which is told.
private func hasNoService(_ host: AppHost) throws -> Bool {
    guard let current = try host.store.current(), try host.store.manifest(current).services.isEmpty else {
        return false
    }
    Output.progress("\(host.layout.name) runs no service: nginx serves its files")
    return true
}

struct RestartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Replace the live processes by new ones, without a gap.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        if try hasNoService(host) { return }
        try await control(host, "restart") { try await $0.restart() }
        try? Retirer.spawn(host, executable: Caller.executable)
        Output.progress("restarted \(host.layout.name)")
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop the live services, until start or the next deploy.")

    @Argument(help: ArgumentHelp("[<app>] [<service>]", valueName: "app-and-service"))
    var words: [String] = []
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let (layout, service) = try home.app(optionally: words)
        let host = try AppHost(opening: layout)
        if try service == nil && hasNoService(host) { return }
        try await control(host, "stop", service ?? "") { try await $0.stop(service.map { try ServiceName($0) }) }
        Output.progress("stopped \(service ?? layout.name.text)")
    }
}

struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start the live services again and check them.")

    @Argument(help: ArgumentHelp("[<app>] [<service>]", valueName: "app-and-service"))
    var words: [String] = []
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let (layout, service) = try home.app(optionally: words)
        let host = try AppHost(opening: layout)
        try await control(host, "start", service ?? "") { try await $0.start(service.map { try ServiceName($0) }) }
        Output.progress("started \(service ?? layout.name.text)")
    }
}

struct DestroyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "Remove an app with its releases, shared files, backups and receiver.")

    @Argument(help: "The app.") var app: String
    @Option(help: "The app's name again, instead of being asked for it.") var confirm: String?
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        let name = host.layout.name
        if confirm == nil, isatty(STDIN_FILENO) == 1 {
            Output.write("type the app's name to remove it with everything it has: ", to: STDERR_FILENO)
        }
        guard (confirm ?? readLine()) == name.text else { throw SelectionError.notConfirmed(name.text) }
        try await withAppLock(host, "destroy") { try await AppRemoval(host).run() }
        Output.progress("removed \(name)")
    }
}

/// Ends every process of the home: for the demo and for tests, where no init system does it.
struct ShutdownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shutdown", abstract: "Stop all apps, nginx and the supervisor of a home.", shouldDisplay: false)

    @OptionGroup var home: HomeOptions

    func run() async throws {
        let layout = home.layout
        for name in try layout.apps() {
            try await AppRemoval(AppHost(opening: layout.app(name))).stopAll()
        }
        guard let settings = try? HostSettings.load(from: layout.settings) else { return }
        let services = HostServices(host: layout, settings: settings)
        try await services.nginx.stop()
        if settings.supervisor == .runit {
            try await RunitSupervisor(services: layout.services, runner: ProcessRunner()).shutdown()
        }
    }
}
