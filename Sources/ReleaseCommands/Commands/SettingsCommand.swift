import ArgumentParser
import DeployPipeline
import ReleaseModel
import ReleaseStore

struct SettingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", abstract: "Show an app's settings, and change those given.",
        discussion: "The branch, the domain and the environment are given to create and stay as they are.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Option(help: "How releases share: auto, copy, reflink, hardlink, recycle or none.") var share: String?
    @Option(help: "How long a replaced release stays warm.") var warm: String?
    @Option(help: "What becomes of a submodule: refuse, or empty for an empty directory.") var submodules: String?
    @Option(help: "The share of 5xx answers above which a new release is taken back.") var bakeErrors: String?
    @Option(help: "How much memory unpacking a push may take.") var receiveMemory: String?
    @Option(help: "How much processor time unpacking a push may take.") var receiveTime: String?
    @Option(help: "How much memory the steps of a deploy may take, under systemd.") var buildMemory: String?
    @Option(help: "How many processes and threads they may have there, 16 to 100000.") var buildTasks: Int?
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func validate() throws {
        guard let buildTasks, !(16...100_000).contains(buildTasks) else { return }
        throw ValidationError("--build-tasks must be from 16 to 100000")
    }

    func run() async throws {
        let host = try AppHost(opening: home.app(app))
        let share = try share.map { value throws(InvalidValue) in try ShareWay(value) }
        let warm = try warm.map { value throws(InvalidValue) in try TimeLimit(value) }
        let submodules = try submodules.map { value throws(InvalidValue) in try SubmoduleRule(value) }
        let errors = try bakeErrors.map { value throws(InvalidValue) in try Percentage(value) }
        let memory = try receiveMemory.map { value throws(InvalidValue) in try ByteSize(value) }
        let time = try receiveTime.map { value throws(InvalidValue) in try TimeLimit(value) }
        let room = try buildMemory.map { value throws(InvalidValue) in try ByteSize(value) }
        let changes = [
            share.map { "share \($0.rawValue)" }, warm.map { "warm \($0)" },
            submodules.map { "submodules \($0.rawValue)" }, errors.map { "bake errors \($0)" },
            memory.map { "receive memory \($0)" }, time.map { "receive time \($0)" },
            room.map { "build memory \($0)" }, buildTasks.map { "build tasks \($0)" },
        ].compactMap { $0 }
        guard !changes.isEmpty else { return try show(host.settings) }
        if share == .hardlink { try await host.requireSeal() }
        let changed = try await withAppLock(host, "settings") {
            // Read again under the lock: another command may have changed the rest.
            var settings = try AppSettings.load(from: host.layout.settings)
            settings.share = share ?? settings.share
            settings.warm = warm ?? settings.warm
            settings.submodules = submodules ?? settings.submodules
            settings.bakeErrors = errors ?? settings.bakeErrors
            settings.receive.memory = memory ?? settings.receive.memory
            settings.receive.time = time ?? settings.receive.time
            settings.build.memory = room ?? settings.build.memory
            settings.build.tasks = buildTasks ?? settings.build.tasks
            try settings.save(to: host.layout.settings)
            return settings
        }
        Caller.record("settings", changes.joined(separator: ", "), of: host.layout)
        try show(changed)
        if share == .reflink, !host.store.canShareBlocks {
            Output.progress("note: this file system shares no blocks; --share recycle or copy does without")
        }
    }

    private func show(_ settings: AppSettings) throws {
        if json { return try Output.json(settings) }
        Output.line("branch       \(settings.branch)")
        Output.line("domain       \(settings.domain)")
        Output.line("environment  \(settings.environment?.shown(limit: 60) ?? "-")")
        Output.line("warm         \(settings.warm)")
        Output.line("share        \(settings.share.rawValue)")
        Output.line("submodules   \(settings.submodules.rawValue)")
        Output.line("bake         taken back above \(settings.bakeErrors) of answers with 5xx")
        let room = settings.build.memory.map { "\($0)" } ?? "75%"
        Output.line("build        \(room) of memory, \(settings.build.tasks) tasks, where systemd holds it to that")
        Output.line("receive      \(settings.receive.memory) of memory, \(settings.receive.time) of processor time")
    }
}
