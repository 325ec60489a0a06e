import ArgumentParser
import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore

struct SiteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "site", abstract: "See what nginx serves for the apps.",
        subcommands: [SiteList.self, SiteRender.self, SiteTest.self])
}

private struct SiteList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the domains of the live releases, and what answers there.")

    @Argument(help: "The app; all of them where it is left out.") var app: String?
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let layouts = try app.map { [try home.app($0)] } ?? home.apps().map { home.layout.app($0) }
        let rows = try layouts.flatMap { try SiteRow.all(of: AppHost(opening: $0)) }
        if json { return try Output.json(rows) }
        guard !rows.isEmpty else { return Output.progress("no site is live") }
        Output.table(["DOMAIN", "APP", "SERVES"], rows.map { [$0.domain.text, $0.app.text, $0.serves] })
    }
}

/// A domain as `site list` shows it.
private struct SiteRow: Encodable {
    var domain: Domain
    var app: AppName
    var redirect: Domain?
    var root: ReleasePath?
    var spa: Bool?
    var routes: [Route]?

    static func all(of host: AppHost) throws -> [SiteRow] {
        guard let live = try host.store.current() else { return [] }
        let app = host.layout.name
        return try host.store.manifest(live).sites.flatMap { site in
            let domain = site.domain ?? host.settings.domain
            return [SiteRow(domain: domain, app: app, root: site.root, spa: site.spa, routes: site.routes)]
                + site.redirectFrom.map { SiteRow(domain: $0, app: app, redirect: domain) }
        }
    }

    var serves: String {
        if let redirect { return "redirects to \(redirect)" }
        let files = root.map { root in
            [(root == .root ? "the release's files" : root.text) + (spa == true ? ", index.html for the rest" : "")]
        }
        return ((files ?? []) + (routes ?? []).map { "\($0.prefix.text) → \($0.service)" }).joined(separator: "; ")
    }
}

private struct SiteRender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render", abstract: "Print what nginx is given for the live release, or for another one.")

    @Argument(help: ArgumentHelp("[<app>] [<commit>]", valueName: "app-and-commit"))
    var words: [String] = []
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let (layout, prefix) = try home.app(optionally: words)
        let host = try AppHost(opening: layout)
        let release: ReleaseID
        if let prefix {
            release = try host.store.resolve(CommitPrefix(prefix))
        } else {
            guard let live = try host.store.current() else { throw DeployError.nothingLive(layout.name) }
            release = live
        }
        guard let text = try await host.siteText(of: release) else {
            return Output.progress("\(release.short) has no site")
        }
        Output.write(text, to: STDOUT_FILENO)
    }
}

private struct SiteTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Have nginx test its whole configuration, also what others have in it.")

    @OptionGroup var home: HomeOptions

    func run() async throws {
        // What nginx says may name other apps (A36).
        guard Caller.seesAll else { throw ShellError.tellsOfAll }
        let settings = try HostSettings.load(from: home.layout.settings)
        try await HostServices(host: home.layout, settings: settings).nginx.test()
        Output.progress("nginx takes the whole configuration")
    }
}
