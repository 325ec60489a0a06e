import ArgumentParser
import DeployPipeline
import ReleaseModel
import ReleaseStore

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show an app, or one of its releases with the phases of its deploy.")

    @Argument(help: ArgumentHelp("[<app>] [<commit>]", valueName: "app-and-commit"))
    var words: [String] = []
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let (layout, prefix) = try home.app(optionally: words)
        let host = try AppHost(opening: layout)
        if let prefix { return try show(release: try host.store.resolve(CommitPrefix(prefix)), host) }
        if let current = try host.store.current() {
            showApp(host)
            return try show(release: current, host)
        }
        showApp(host)
        Output.line("nothing is live yet")
    }

    private func showApp(_ host: AppHost) {
        guard !json else { return }
        Output.line("app        \(host.layout.name)")
        Output.line("receiver   \(host.layout.repository)")
        Output.line("branch     \(host.settings.branch)")
    }

    private func show(release id: ReleaseID, _ host: AppHost) throws {
        let details = try ReleaseDetails(id, host)
        if json { return try Output.json(details) }
        Output.line("release    \(id)")
        Output.line("subject    \(details.subject.shown(limit: 72))")
        Output.line("author     \(details.author.shown(limit: 60))")
        Output.line(
            "deployed   \(Moment.shown(details.created)) by \(details.who.shown(limit: 30)), deploy \(details.deploy)")
        Output.line("files      \(details.files.shownWithCommas), \(details.bytes.shownAsBytes)")
        if let url = details.url { Output.line("url        \(url)") }
        for site in details.sites { Output.line("site       \(site)") }
        for service in details.services { Output.line("service    \(service)") }
        for phase in details.phases {
            let took = phase.finished.map { Moment.length($0 - phase.started) } ?? "unfinished"
            Output.line(
                "phase      \(phase.phase.rawValue.padding(9)) \(took.padding(9)) \(phase.detail.shown(limit: 60))")
        }
    }
}

private struct ReleaseDetails: Encodable {
    var release: ReleaseID
    var subject: String
    var author: String
    var who: String
    var deploy: Int
    var created: Double
    var files: Int
    var bytes: Int
    var url: String?
    var sites: [String]
    var services: [String]
    var phases: [PhaseRecord]

    init(_ id: ReleaseID, _ host: AppHost) throws {
        let information = try host.store.information(id)
        let manifest = try host.store.manifest(id)
        release = id
        subject = information.subject
        author = information.author
        who = information.who
        deploy = information.deploy
        created = information.created
        files = information.files
        bytes = information.bytes
        url = host.url(of: manifest)
        sites = manifest.sites.map { ($0.domain ?? host.settings.domain).text }
        services = manifest.services.map { "\($0.name) × \($0.instances): \($0.command.shown(limit: 60))" }
        phases = (try? Ledger(host.layout).phases(of: information.deploy)) ?? []
    }
}

extension String {
    /// The text with spaces behind it up to a width.
    func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
