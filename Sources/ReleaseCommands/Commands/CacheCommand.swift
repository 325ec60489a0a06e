import ArgumentParser
import DeployPipeline
import ReleaseModel
import ReleaseStore

struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "See and clear what is kept of an app's build steps.",
        subcommands: [CacheList.self, CacheClear.self])
}

private struct CacheList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the kept outputs of build steps, the last used first.")
    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() throws {
        let records = try StepStore(home.app(app)).records()
        if json { return try Output.json(records) }
        guard !records.isEmpty else {
            return Output.progress("nothing is kept; what a build step with inputs and outputs makes would be")
        }
        Output.table(
            ["KEY", "STEP", "SIZE", "MADE", "USED"],
            records.map {
                [
                    String($0.key.prefix(7)), $0.command.shown(limit: 50), $0.bytes.shownAsBytes,
                    Moment.shown($0.created), Moment.shown($0.used),
                ]
            })
    }
}

private struct CacheClear: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Remove the kept outputs of all build steps; the next deploy runs each.")
    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        let removed = try await withAppLock(host, "cache clear") { try StepStore(host.layout).clear() }
        let bytes = removed.reduce(0) { $0 + $1.bytes }
        Caller.record("cache clear", bytes.shownAsBytes, of: host.layout)
        Output.progress("removed \(removed.count.counted("step")), \(bytes.shownAsBytes)")
    }
}
