import FailPoints
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// The detached process of one deploy: waits for its turn, recovers what was left, deploys.
public struct DeployWorker: Sendable {
    let host: AppHost
    let number: Int
    private let executable: String

    /// The worker of a recorded deploy.
    ///
    /// - Parameter executable: the product's own binary, which watches what has gone live.
    public init(_ host: AppHost, deploy number: Int, executable: String) {
        self.executable = executable
        self.host = host
        self.number = number
    }

    /// Runs the deploy to its end.
    ///
    /// - Throws: only where the ledger or the log cannot be written; every other failure is recorded.
    public func run() async throws {
        if host.hostSettings.supervisor == .systemd {
            _ = await BuildScope.enter(
                "pmo-deploy-\(host.layout.name)-\(number)", called: "\(host.layout.name) deploy \(number)",
                within: host.settings.build, isUser: !ProcessOwner.isRoot, runner: host.runner)
        }
        let ledger = try Ledger(host.layout)
        let log = try DeployLog(host.layout, deploy: number)
        let asked = try ledger.update(number) { $0.process = .current() }
        do {
            try FailPoint.workerBegun.pass("write", host.layout.ledger)
            guard let lock = try await waitForTurn(asked, ledger, log) else {
                return DeployReference.remove(number, of: host)
            }
            try await deploy(under: lock, ledger, log)
            // It is live, with or without a watch.
            try? Bake.spawn(host, executable: executable)
            await ReceiverUpkeep(host: host).run()
        } catch {
            let reason = Reason(error)
            log.failure("failed before it began: \(reason.sentence)")
            if let hint = reason.hint { log.output("hint: \(hint)") }
            log.finish()
            let ended = try ledger.update(number) {
                $0.state = .failed
                $0.reason = reason.sentence
                $0.finished = currentTime()
            }
            DeployReference.remove(number, of: host)
            ledger.tellEnd(of: ended, "failed: \(reason.sentence)")
        }
    }

    private func deploy(under lock: AppLock, _ ledger: Ledger, _ log: DeployLog) async throws {
        defer { lock.release() }
        try FailPoint.workerLocked.pass("lock", host.layout.lock)
        let recovered = try await Recovery(host, ledger).run(leavingStrays: true)
        if let live = recovered.last(where: { $0.state == .live }), try finish(like: live, ledger, log) { return }
        // Somebody may have put a stop on deploys while this one waited.
        if try ledger.deploy(number)?.options.contains(DeployFreeze.force) != true {
            try DeployFreeze.check(host.layout)
        }
        let deploy = try ledger.update(number) {
            $0.state = .running
            $0.started = currentTime()
        }
        try FailPoint.workerStarted.pass("write", host.layout.ledger)
        _ = await Deployment(deploy, host: host, ledger: ledger, log: log).run()
    }

    /// Whether the commit is live by an interrupted deploy that was brought to its end just now, as this one would make it.
    private func finish(like live: Deploy, _ ledger: Ledger, _ log: DeployLog) throws -> Bool {
        guard let asked = try ledger.deploy(number), asked.commit == live.commit, asked.options.isEmpty,
            try host.store.current() == live.release
        else { return false }
        ledger.tellEnd(of: asked, "live by deploy \(live.number)")
        try ledger.update(number) {
            $0.state = .live
            $0.release = live.release
            $0.finished = currentTime()
        }
        log.output("deploy \(live.number) of it was interrupted, and is live now")
        log.finish()
        return true
    }

    /// Waits for the app's lock; gives way to a newer deploy that waits too.
    private func waitForTurn(_ deploy: Deploy, _ ledger: Ledger, _ log: DeployLog) async throws -> AppLock? {
        var told: String?
        while true {
            // One that has died will not be live.
            if let newest = try ledger.queued(after: number).first(where: { !host.layout.isOrphaned($0) }) {
                let by = "deploy \(newest.number) (\(newest.commit.short))"
                log.failure("superseded by \(by)")
                log.finish()
                try ledger.update(number) {
                    $0.state = .superseded
                    $0.reason = "superseded by \(newest.commit.short)"
                    $0.finished = currentTime()
                }
                return nil
            }
            if let lock = try AppLock.tryAcquire(host.layout, holding: "deploy \(number)", who: deploy.who) {
                return lock
            }
            let wait = LockWait(for: host.layout, ledger)
            if wait.subject != told { log.output("waiting for \(wait.shown)") }
            told = wait.subject
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
