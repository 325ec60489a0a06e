import ArgumentParser
import DeployPipeline
import ReleaseModel
import ReleaseStore

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the releases on disk, newest first.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        let rows = try ReleaseRow.all(of: host)
        if json { return try Output.json(rows) }
        guard !rows.isEmpty else {
            return Output.progress("no release yet: git push production \(host.settings.branch)")
        }
        Output.table(
            ["", "RELEASE", "SUBJECT", "BY", "WHEN", "TOOK", "SIZE"],
            rows.map { row in
                [
                    row.marks.joined(separator: ","), row.short, row.subject.shown(limit: 40), row.who.shown(limit: 16),
                    Moment.shown(row.created), row.seconds.map(Moment.length) ?? "", row.bytes.shownAsBytes,
                ]
            })
    }
}

/// A release as `list` shows it.
struct ReleaseRow: Encodable {
    var release: ReleaseID
    var short: String
    var marks: [String]
    var subject: String
    var author: String
    var who: String
    var deploy: Int
    var created: Double
    var seconds: Double?
    var bytes: Int

    static func all(of host: AppHost) throws -> [ReleaseRow] {
        let current = try? host.store.current()
        let previous = try? host.store.previous()
        let services = host.slots.services()
        let ledger = try? Ledger(host.layout)
        return try host.store.releases().compactMap { id in
            guard let information = try? host.store.information(id) else { return nil }
            var marks: [String] = []
            if id == current { marks.append("current") }
            if id == previous, id != current { marks.append("previous") }
            let isWarm = services.contains { host.slots.slot(of: $0, in: id) != nil }
            if isWarm, id != current { marks.append("warm") }
            if host.store.bad(id) != nil { marks.append("bad") }
            let deploy = (try? ledger?.deploy(information.deploy)).flatMap { $0 }
            return ReleaseRow(
                release: id, short: id.short, marks: marks, subject: information.subject, author: information.author,
                who: information.who, deploy: information.deploy, created: information.created,
                seconds: deploy.flatMap { deploy in deploy.finished.map { $0 - (deploy.started ?? deploy.created) } },
                bytes: host.store.size(id))
        }.sorted { $0.deploy > $1.deploy }
    }
}
