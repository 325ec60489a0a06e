import DeployPipeline
import FailPoints
import GitRepository
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Asks for a deploy: records it, starts its detached process, and follows it. A commit whose deploy is the newest that
/// is under way is not started twice: the request attaches to it.
struct DeployRequest {
    let host: AppHost
    let kind: DeployKind
    let commit: CommitID
    let options: [String]
    var origin = ""

    init(_ host: AppHost, kind: DeployKind, commit: CommitID, options: [String], origin: String = "") {
        self.host = host
        self.kind = kind
        self.commit = commit
        self.options = options
        self.origin = origin
    }

    /// The deploy of the commit that is under way, or a new one with its process started.
    func start(_ ledger: Ledger) throws -> (Deploy, attached: Bool) {
        // One at a time, so that two pushes of a commit at once become one deploy.
        let only = try FileLock.acquire(host.layout.requestLock, wait: .seconds(10))
        defer { only?.release() }
        // Not to one that another waits behind: that would be live in the end, and this was asked for last.
        let newest = try ledger.running().filter { $0.process?.isAlive == true }.max { $0.number < $1.number }
        if let underWay = newest, underWay.commit == commit, options.isEmpty || options == underWay.options {
            return (try attach(to: underWay, ledger), true)
        }
        if !options.contains(DeployFreeze.force) { try DeployFreeze.check(host.layout, forcible: kind != .push) }
        let repository = try GitRepository(opening: host.layout.repository)
        let summary = try summary(in: repository)
        try FailPoint.requestBeforeRecord.pass("write", host.layout.ledger)
        let deploy = try ledger.record(
            Deploy(
                kind: kind, commit: commit, subject: summary.subject, author: summary.author,
                branch: host.settings.branch.text, who: Caller.name, origin: origin, options: options,
                created: currentTime()))
        try FailPoint.requestAfterRecord.pass("write", host.layout.ledger)
        DeployReference.set(deploy.number, to: commit, in: repository)
        try FailPoint.requestAfterReference.pass("start", host.layout.root)
        let pid = try DetachedProcess.spawn(
            executable: Caller.executable,
            arguments: [
                "deploy-worker", host.layout.name.text, String(deploy.number), "--home", host.layout.host.home.string,
            ],
            environment: [
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
            ].merging(FailPoints.environment()) { $1 },
            log: host.layout.logs.appending("worker.log"))
        try FailPoint.requestAfterSpawn.pass("write", host.layout.ledger)
        let started = try ledger.update(deploy.number) {
            if $0.process == nil { $0.process = ProcessIdentity.of(pid: pid) }
        }
        return (started, false)
    }

    private func summary(in repository: GitRepository) throws -> CommitSummary {
        do throws(GitError) {
            return try repository.commit(commit)
        } catch {
            guard case .unknownCommit = error else { throw error }
            throw SelectionError.noSuchCommit(commit.short, host.layout.name)
        }
    }

    /// A push that attaches is known to its later hooks, and to the ssh shell, by the deploy that it attached to.
    private func attach(to deploy: Deploy, _ ledger: Ledger) throws -> Deploy {
        guard !origin.isEmpty else { return deploy }
        return try ledger.update(deploy.number) {
            $0.origin = ($0.origin.split(separator: " ").map(String.init) + [origin]).joined(separator: " ")
        }
    }

    /// For the commands: shows the log as it grows, and fails as the deploy does.
    func runInForeground() async throws {
        let ledger = try Ledger(host.layout)
        let (deploy, attached) = try start(ledger)
        if attached { Output.progress("attached to deploy \(deploy.number), which runs already") }
        let ended = try await DeployFollower(host: host, ledger: ledger).follow(deploy.number, to: .own(STDERR_FILENO))
        guard ended.state == .live else { throw FollowedFailure(ended, of: host.layout.name) }
    }
}

/// A deploy that ended otherwise than live; its log has said why.
struct FollowedFailure: HintedError {
    let deploy: Deploy
    let app: AppName
    init(_ deploy: Deploy, of app: AppName) {
        self.deploy = deploy
        self.app = app
    }
    var description: String { deploy.reason ?? "deploy \(deploy.number) \(deploy.state.rawValue)" }
    var hint: String? { "pmo-release log \(app) \(deploy.number)" }
}
