import ArgumentParser
import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore

/// Waits until nothing is under way on the host: the package calls it before its files are replaced.
struct AwaitDeploysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "await-deploys", abstract: "Wait until no app is being deployed, switched or changed.",
        shouldDisplay: false)

    @Option(help: "How long at most.") var within = "30m"
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let limit = try TimeLimit(within)
        let deadline = ContinuousClock.now + limit.duration
        var told = ""
        while let busy = try firstBusy() {
            guard ContinuousClock.now < deadline else { throw AwaitError.stillBusy(busy, limit) }
            if busy.subject != told {
                Output.progress("waiting for \(busy.shown)")
                told = busy.subject
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// What keeps the host busy. Every lock is held before any is given back: at one moment nothing was under way
    /// anywhere. A deploy that waits for its turn counts, too.
    private func firstBusy() throws -> Busy? {
        var held: [AppLock] = []
        defer { for lock in held { lock.release() } }
        for name in try home.layout.apps() {
            let layout = home.layout.app(name)
            // A ledger that cannot be read must not stand in the way of the version that can.
            let ledger = try? Ledger(readingOnly: layout)
            guard let lock = try AppLock.tryAcquire(layout, holding: "upgrade", who: Caller.name) else {
                return Busy(name, LockWait(for: layout, ledger).shown)
            }
            held.append(lock)
            let waiting = (try? ledger?.running())?.first { $0.process?.isAlive == true }
            if let waiting { return Busy(name, "deploy \(waiting.number) (\(waiting.commit.short))") }
        }
        return nil
    }

    struct Busy: Equatable {
        let subject: String
        let shown: String

        /// - Parameter what: told again only where it is about something else than its time.
        init(_ app: AppName, _ what: String) {
            subject = "\(app): \(what.prefix { $0 != ":" })"
            shown = "\(app): \(what)"
        }
    }
}

/// Why the host is not at rest.
enum AwaitError: HintedError {
    case stillBusy(AwaitDeploysCommand.Busy, TimeLimit)

    var description: String {
        switch self {
        case .stillBusy(let busy, let limit): "still under way after \(limit): \(busy.shown)"
        }
    }
    var hint: String? { "pmo-release status" }
    var outcome: ErrorOutcome { .refused }
}
