import ArgumentParser
import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore

/// The detached process of a deploy.
struct DeployWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "deploy-worker", shouldDisplay: false)
    @Argument var app: String
    @Argument var deploy: Int
    @OptionGroup var home: HomeOptions

    func run() async throws {
        // A release is the same whoever has pushed it.
        umask(0o022)
        let host = try AppHost(opening: home.app(app))
        try await DeployWorker(host, deploy: deploy, executable: Caller.executable).run()
        try Retirer.spawn(host, executable: Caller.executable)
    }
}

/// The process that stops warm releases when their time is over.
struct RetireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "retire", shouldDisplay: false)
    @Argument var app: String
    @OptionGroup var home: HomeOptions

    func run() async throws { try await Retirer.run(AppHost(opening: home.app(app))) }
}

/// The process that watches a deploy's release once it is live.
struct BakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bake", shouldDisplay: false)
    @Argument var app: String
    @Argument var deploy: Int
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        try await Bake.run(host, deploy: deploy)
        try Retirer.spawn(host, executable: Caller.executable)
    }
}

/// What the package does once it is installed: prepares the home, brings one of an older version up to date, and has
/// systemd resume at boot what was cut short.
struct PrepareHomeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "prepare-home", shouldDisplay: false)
    @OptionGroup var home: HomeOptions

    func run() async throws {
        try CreateCommand.prepareHome(home.layout)
        let supervisor = try? HostSettings.load(from: home.layout.settings).supervisor
        guard SupervisorDetection.detect() == "systemd", supervisor != .runit else { return }
        try await BootUnit(home.layout).install()
    }
}

struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "Print a completion script for bash, zsh or fish.")
    @Argument(help: "bash, zsh or fish.") var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else {
            throw ValidationError("completions takes bash, zsh or fish, not “\(shell.shown(limit: 20))”")
        }
        Output.line(ReleaseCommand.completionScript(for: shell))
    }
}
