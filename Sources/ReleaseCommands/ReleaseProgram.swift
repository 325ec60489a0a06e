import ArgumentParser
import Glibc
import HostControl
import ReleaseModel

/// The product's one program under its two names: `pmo-release`, and `post-receive` as git calls it.
public enum ReleaseProgram {
    /// The version, also shown by `--version`.
    public static let version = "0.1.0"

    /// Runs the process's own arguments and ends the process.
    public static func main() async -> Never {
        // A pusher or a pager that goes away is an error of write(2), not a signal.
        signal(SIGPIPE, SIG_IGN)
        let arguments = CommandLine.arguments
        let name = arguments[0].split(separator: "/").last.map(String.init) ?? ""
        let rest = Array(arguments.dropFirst())
        if name == "git" { exit(LimitedGit(arguments: rest).run()) }
        if let hook = Hook(program: name, arguments: rest) { exit(await hook.run()) }
        if rest.first == ShellCommand.configuration.commandName { ShellCommand.forgetClientEnvironment() }
        exit(await run(rest))
    }

    /// Runs a command line.
    ///
    /// - Returns: 0 done, 1 failed, 3 refused, 64 usage.
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            try UnknownCommand.check(arguments)
            try HomeOwner.become(for: arguments)
            var command = try ReleaseCommand.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch let error as any HintedError {
            Output.error(error)
            return error.outcome.rawValue
        } catch {
            return report(error)
        }
    }

    /// ArgumentParser's own errors: help and version are no errors; the rest is usage.
    private static func report(_ error: any Error) -> Int32 {
        let code = ReleaseCommand.exitCode(for: error)
        let message = ReleaseCommand.fullMessage(for: error)
        guard !message.isEmpty else { return code.rawValue }
        if code == .success {
            Output.line(message)
        } else {
            let text = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
            Output.progress("pmo-release: error: \(text)")
        }
        return code.rawValue
    }
}

/// `pmo-release`.
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pmo-release",
        abstract: "Makes a Linux host a git push deploy target.",
        version: ReleaseProgram.version,
        subcommands: [
            CreateCommand.self, SettingsCommand.self, DestroyCommand.self, AppsCommand.self,
            ListCommand.self, ShowCommand.self, SwitchCommand.self, RollbackCommand.self, DeployCommand.self,
            RetryCommand.self, PruneCommand.self, ResumeCommand.self, DoctorCommand.self,
            StatusCommand.self, PsCommand.self, LogsCommand.self, LogCommand.self, RestartCommand.self,
            StopCommand.self,
            StartCommand.self, HistoryCommand.self,
            LockCommand.self, UnlockCommand.self, MaintenanceCommand.self, SiteCommand.self, CertCommand.self,
            EnvCommand.self, KeyCommand.self, CacheCommand.self, CheckCommand.self,
            CompletionsCommand.self,
            ShellCommand.self, ExportCommand.self, DeployWorkerCommand.self, RetireCommand.self, BakeCommand.self,
            ShutdownCommand.self, AwaitDeploysCommand.self, PrepareHomeCommand.self,
        ])
}

/// A first word that is no command; ArgumentParser would call it an unexpected argument.
private struct UnknownCommand: HintedError {
    private let word: String
    private let nearest: String?

    static func check(_ arguments: [String]) throws {
        guard let word = arguments.first, !word.hasPrefix("-"), word != "help" else { return }
        let commands = ReleaseCommand.configuration.subcommands.map { $0.configuration }
        let names = commands.compactMap(\.commandName)
        guard !names.contains(word) else { return }
        let shown = commands.filter(\.shouldDisplay).compactMap(\.commandName)
        throw UnknownCommand(word: word, nearest: nearestName(to: word, among: shown))
    }

    var description: String { "there is no command “\(word.shown(limit: 40))”" }
    var hint: String? { "pmo-release \(nearest ?? "help")" }
    var outcome: ErrorOutcome { .usage }
}
