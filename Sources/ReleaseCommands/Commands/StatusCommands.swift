import ArgumentParser
import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether what should run runs; exit 1 where it does not.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        let current = try host.store.current()
        let rows = try await InstanceRow.all(of: host).filter { $0.role == "current" }
        let nginxStart = await host.nginxStart(for: current)
        let ledger = try Self.ledger(host)
        let running = try ledger?.running() ?? []
        let call = try OperatorCall.load(from: host.layout)
        let missing = try current.map { try ServiceSlots(host).missing(of: $0) } ?? []
        let bad = current.flatMap { host.store.bad($0) }
        let isWell =
            call == nil && current != nil && nginxStart == nil && missing.isEmpty && bad == nil
            && rows.allSatisfy { $0.state == "up" }
        let report = StatusReport(
            app: host.layout.name, current: current, well: isWell, needsOperator: call?.reason, instances: rows,
            notStarted: missing, foundBad: bad,
            nginxDown: nginxStart != nil, takenBack: try Self.takenBack(ledger, current),
            locked: try DeployFreeze.of(host.layout),
            maintenance: access(host.layout.maintenancePage.string, F_OK) == 0,
            deploying: running.map { Self.shown($0, host) })
        if json {
            try Output.json(report)
        } else {
            Output.line("\(host.layout.name): \(current.map { "\($0.short) is live" } ?? "nothing is live")")
            for row in rows {
                let ends = row.ends.map { "  (\($0))" } ?? ""
                Output.line("  \(row.service).\(row.instance)  \(row.state)  \(row.endpoint)\(ends)")
            }
            for service in missing {
                Output.line("  \(service)  not started: pmo-release restart \(host.layout.name)")
            }
            if let bad, call == nil {
                Output.line("  found bad: \(bad.shown(limit: 400))")
                Output.line("  have it taken back: pmo-release resume \(host.layout.name)")
            }
            if let nginxStart { Output.line("  nginx does not run: \(nginxStart)") }
            if let call {
                Output.line("  needs an operator: \(call.reason.shown(limit: 400))")
                Output.line(
                    "  push a commit that works, or switch to one of these: pmo-release list \(host.layout.name)")
            }
            if let takenBack = report.takenBack {
                Output.line("  \(takenBack.shown(limit: 400))")
                Output.line("  push a commit that works, or this one again: pmo-release retry \(host.layout.name)")
            }
            for line in report.deploying { Output.line("  \(line)") }
            if let freeze = report.locked { Output.line("  locked \(freeze.shown)") }
            if report.maintenance {
                Output.line("  every request gets 503: pmo-release maintenance off \(host.layout.name)")
            }
        }
        if !isWell { throw ExitCode(1) }
    }

    /// What was recorded; nil on a disk that is too full to read it. What runs is told all the same.
    private static func ledger(_ host: AppHost) throws -> Ledger? {
        do throws(StoreError) {
            return try Ledger(readingOnly: host.layout)
        } catch {
            guard case .system(_, _, Errno.noSpace.rawValue) = error else { throw error }
            Output.progress("pmo-release: warning: the ledger was not read: \(error.description)")
            return nil
        }
    }

    /// What the newest deploy came to, where its release was taken back.
    private static func takenBack(_ ledger: Ledger?, _ current: ReleaseID?) throws -> String? {
        guard let newest = try ledger?.deploys(limit: 1).first, newest.state == .reverted,
            newest.release != current
        else { return nil }
        return "\(newest.commit.short) (deploy \(newest.number)) was \(newest.reason ?? "taken back")"
    }

    private static func shown(_ deploy: Deploy, _ host: AppHost) -> String {
        if host.layout.isOrphaned(deploy) {
            return
                "deploy \(deploy.number) (\(deploy.commit.short)) was interrupted: pmo-release resume \(host.layout.name)"
        }
        let state = deploy.state == .queued ? "waits" : deploy.phase?.rawValue ?? deploy.state.rawValue
        let time = Moment.length(currentTime() - (deploy.started ?? deploy.created))
        return
            "deploy \(deploy.number) (\(deploy.commit.short)) of \(deploy.who.shown(limit: 30)): \(state), for \(time)"
    }
}

private struct StatusReport: Encodable {
    var app: AppName
    var current: ReleaseID?
    var well: Bool
    /// What only a person can put right.
    var needsOperator: String?
    var instances: [InstanceRow]
    /// Services of the live release that are in no slot.
    var notStarted: [ServiceName]
    /// Why the live release was found bad.
    var foundBad: String?
    /// Whether the live release has a site and nginx does not run.
    var nginxDown: Bool
    /// Which release was taken back last, and why, unless another came after it.
    var takenBack: String?
    var locked: DeployFreeze?
    /// Whether a page says that it is worked on, to everybody.
    var maintenance: Bool
    var deploying: [String]
}

struct PsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List the processes of every release that has any.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        let rows = try await InstanceRow.all(of: host)
        if json { return try Output.json(rows) }
        guard !rows.isEmpty else { return Output.progress("no process") }
        Output.table(
            ["SERVICE", "RELEASE", "ROLE", "SLOT", "STATE", "PID", "FOR", "LISTENS"],
            rows.map {
                [
                    "\($0.service).\($0.instance)", $0.short, $0.role, "\($0.slot)", $0.state,
                    $0.pid.map(String.init) ?? "", $0.seconds.map { Moment.length(Double($0)) } ?? "", $0.endpoint,
                ]
            })
    }
}

/// An instance as `ps` shows it.
struct InstanceRow: Encodable {
    var service: ServiceName
    var instance: Int
    /// The release that has started it.
    var release: ReleaseID
    var short: String
    /// `current`, `warm` or `left over`.
    var role: String
    var slot: SlotNumber
    /// `up`; `down`, or `stopped` where a command has done that.
    var state: String
    /// How often it has ended by itself since a command has started it, and how the last time.
    var ends: String?
    var pid: Int32?
    var seconds: Int?
    var endpoint: String

    /// For how many seconds after its last end an instance that runs again is worth a word about it.
    private static let newsTime = 300

    static func all(of host: AppHost) async throws -> [InstanceRow] {
        var rows: [InstanceRow] = []
        for (service, slot, release) in host.slots.occupied() {
            let placement = try ServiceSlots(host).occupant(of: service, slot, release: release)
            let warm = host.slots.warmUntil(service, slot) != nil
            let isLive = (try? ServiceSlots(host).isLive(service, slot)) ?? false
            for (number, instance) in placement.instances.enumerated() {
                let status = try await host.supervisor.status(instance)
                let isNews = status.state == .down || status.seconds < Self.newsTime
                rows.append(
                    InstanceRow(
                        service: service, instance: number, release: release, short: release.short,
                        role: isLive ? "current" : warm ? "warm" : "left over", slot: slot,
                        state: status.isStopped ? "stopped" : "\(status.state)", ends: isNews ? status.endings : nil,
                        pid: status.pid,
                        seconds: status.pid == nil ? nil : status.seconds,
                        endpoint: placement.endpoints.isEmpty ? "" : placement.endpoints[number].address))
            }
        }
        return rows
    }
}

struct AppsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "apps", abstract: "List the apps of this host.")

    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let rows = try home.apps().map { name in
            let host = try AppHost(opening: home.layout.app(name))
            let current = (try? host.store.current()).flatMap { $0 }
            let manifest = current.flatMap { try? host.store.manifest($0) }
            return AppRow(
                app: name, branch: host.settings.branch, current: current, url: manifest.flatMap { host.url(of: $0) })
        }
        if json { return try Output.json(rows) }
        guard !rows.isEmpty else { return Output.progress("no app yet: pmo-release create <app>") }
        Output.table(
            ["APP", "BRANCH", "CURRENT", "URL"],
            rows.map { [$0.app.text, $0.branch.text, $0.current?.short ?? "", $0.url ?? ""] })
    }
}

private struct AppRow: Encodable {
    var app: AppName
    var branch: BranchName
    var current: ReleaseID?
    var url: String?
}

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "List who did what, newest first.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Option(name: [.customShort("n"), .long], help: "How many entries.") var count = 30
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let ledger = try Ledger(home.app(app))
        let events = try ledger.events(limit: count)
        if json { return try Output.json(events) }
        Output.table(
            ["WHEN", "BY", "WHAT", ""],
            events.map {
                [
                    Moment.shown($0.time), $0.who.shown(limit: 16), $0.verb,
                    $0.detail.shown(limit: 90) + ($0.deploy.map { " (deploy \($0))" } ?? ""),
                ]
            })
    }
}
