import ArgumentParser
import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Show the log of a deploy, the newest unless told; one that runs is followed.")

    @Argument(help: ArgumentHelp("[<app>] [<deploy>]", valueName: "app-and-deploy"))
    var words: [String] = []
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let (layout, word) = try home.app(optionally: words)
        let ledger = try Ledger(layout)
        let number: Int
        if let word {
            guard let given = Int(word) else {
                throw InvalidValue(
                    "deploy", word, "must be a number", hint: "pmo-release history \(layout.name)")
            }
            guard let deploy = try ledger.deploy(given) else {
                throw SelectionError.noSuchDeploy(given, layout.name)
            }
            guard !deploy.state.isFinal || access(layout.deployLog(given).string, F_OK) == 0 else {
                throw SelectionError.logRemoved(given, layout.name)
            }
            number = given
        } else {
            guard let newest = try ledger.deploys(limit: 1).first else {
                throw SelectionError.nothing("there is no deploy yet")
            }
            number = newest.number
        }
        _ = try await DeployFollower(host: try AppHost(opening: layout), ledger: ledger)
            .follow(number, to: .own(STDOUT_FILENO))
    }
}

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show what the services write, oldest first.")

    @Argument(help: ArgumentHelp("[<app>] [<service>]", valueName: "app-and-service"))
    var words: [String] = []
    @Option(name: [.customShort("n"), .long], help: "How many lines.") var lines = 100
    @Flag(name: [.short, .long], help: "Go on as more is written.") var follow = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let (layout, word) = try home.app(optionally: words)
        let service = try word.map { try ServiceName($0) }
        var reader = try ServiceLogReader(AppHost(opening: layout), service: service)
        for line in reader.last(lines) { Output.line(line) }
        let output = ReaderStream.own(STDOUT_FILENO)
        while follow, !output.isGone {
            try await Task.sleep(for: .milliseconds(200))
            for line in reader.more() where !output.write(line + "\n") { return }
        }
    }
}
