import ArgumentParser
import DeployPipeline
import Glibc
import ReleaseModel
import ReleaseStore
import SiteTemplates
import SystemPackage

struct MaintenanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintenance", abstract: "Answer every request with a page and 503, or stop that.",
        subcommands: [MaintenanceOn.self, MaintenanceOff.self])
}

private struct MaintenanceOn: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "on", abstract: "Show a page instead of the app's sites, at once and without a reload.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Option(name: .short, parsing: .upToNextOption, help: ArgumentHelp("What the page says.", valueName: "text"))
    var message: [String] = []
    @Option(help: "A page of HTML of your own.") var page: String?
    @OptionGroup var home: HomeOptions

    func validate() throws {
        guard text.utf8.count <= 500 else { throw ValidationError("-m takes at most 500 bytes") }
        guard page == nil || message.isEmpty else { throw ValidationError("a page of your own says it all: no -m") }
    }

    func run() throws {
        let layout = try home.app(app)
        let own = try page.map { try CallerFiles.read($0, limit: 1 << 20) }
        let html = try own ?? SiteTemplates.maintenancePage(text.isEmpty ? Self.usual : text)
        try DurableFile.makeDirectories(layout.maintenancePage.removingLastComponent())
        try DurableFile.write(html, to: layout.maintenancePage)
        Caller.record("maintenance", "on", of: layout)
        Output.progress("\(layout.name) answers 503; pmo-release maintenance off \(layout.name)")
    }

    /// Over ssh the words come without the quotes that held them together.
    private var text: String { message.joined(separator: " ") }
    private static let usual = "This site is being worked on. Please come back in a few minutes."
}

private struct MaintenanceOff: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "off", abstract: "Let the app's sites answer again.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @OptionGroup var home: HomeOptions

    func run() throws {
        let layout = try home.app(app)
        guard access(layout.maintenancePage.string, F_OK) == 0 else {
            return Output.progress("\(layout.name) is not under maintenance")
        }
        try DurableFile.remove(layout.maintenancePage)
        Caller.record("maintenance", "off", of: layout)
        Output.progress("\(layout.name) answers again")
    }
}
