import ArgumentParser
import DeployPipeline
import ReleaseModel
import ReleaseStore

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Bring what a crash has interrupted to an end; also done by every command.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Flag(help: "Every app of the home, as at boot.") var all = false
    @OptionGroup var home: HomeOptions

    func validate() throws {
        if all, app != nil { throw ValidationError("--all takes no app") }
    }

    func run() async throws {
        if all { try? home.layout.sweepApps() }
        let apps = all ? try home.layout.apps().map { home.layout.app($0) } : [try home.app(app)]
        var failure: (any Error)?
        // One app that is in a bad way does not keep the others down.
        for layout in apps {
            do { try await resume(AppHost(opening: layout)) } catch {
                guard all else { throw error }
                Output.progress("pmo-release: error: \(layout.name): \(Reason(error).sentence)")
                if let hint = Reason(error).hint { Output.progress("hint: \(hint)") }
                failure = error
            }
        }
        if failure != nil { throw ExitCode(1) }
    }

    private func resume(_ host: AppHost) async throws {
        let name = host.layout.name
        let ended = try await withAppLock(host, "resume", recovering: false) {
            let (ledger, aside) = try LedgerRepair(host).open()
            if let aside {
                Output.line("\(name): the ledger was damaged and is in \(aside) now; rebuilt from the releases")
            }
            if let repaired = try ReceiverSetup(layout: host.layout, branch: host.settings.branch).repair() {
                Output.line("\(name): \(repaired)")
            }
            let ended = try await Recovery(host, ledger).run()
            try await LiveSwitch(host).ensureServed()
            return ended
        }
        for deploy in ended {
            Output.line(
                "\(name): deploy \(deploy.number) (\(deploy.commit.short)) \(deploy.state.rawValue)\(deploy.reason.map { ": \($0)" } ?? "")"
            )
        }
        try? Retirer.spawn(host, executable: Caller.executable)
        if ended.isEmpty { Output.progress("\(name): nothing was interrupted") }
    }
}
