public import ReleaseModel
public import ReleaseStore

/// Why a deploy or an operator's command did not go through.
public enum DeployError: HintedError {
    /// No app of that name, or none that the caller may see.
    case noSuchApp(String)
    /// Keys that must have a value and have none; `files` names the templates that use them.
    case missingEnvironment(app: AppName, keys: [String])
    /// A build step ended with a status other than 0, or by a signal.
    case buildFailed(step: String, status: String)
    /// A step or the migration took longer than it may.
    case timedOut(what: String, limit: String)
    /// The migrate command ended with a status other than 0.
    case migrationFailed(command: String, status: String)
    /// A candidate did not become healthy.
    case unhealthy(HealthFailure)
    /// The manifest is for another app.
    case otherApp(manifest: AppName, app: AppName)
    /// The app has an environment that the manifest, which has others, does not have.
    case noSuchEnvironment(String, known: [String], app: AppName)
    /// The manifest names another branch than the app deploys.
    case otherBranch(manifest: BranchName, branch: BranchName, app: AppName)
    /// A domain that another app serves.
    case domainTaken(Domain)
    /// Too little room; `what` is `disk space` or `inodes`.
    case noRoom(what: String, path: String, needed: String, left: String, app: AppName)
    /// Nothing serves yet.
    case nothingLive(AppName)
    /// There is no release to go back to.
    case noRollback(AppName)
    /// The release was pruned; the commit is still in the receiver.
    case pruned(commit: CommitID, app: AppName)
    /// The app has no service of that name.
    case noSuchService(String, known: [String], app: AppName)
    /// All three slots of a service are in use.
    case noFreeSlot(ServiceName, app: AppName)
    /// A file that `env: files` names is not in the tree.
    case missingTemplate(target: ReleasePath, template: ReleasePath)
    /// A directory that the manifest names is not in the built release.
    case missingDirectory(what: String, path: ReleasePath)
    /// A link in what a site serves leads out of the release.
    case servedLink(path: String, target: String)
    /// The app's lock is held by another process.
    case busy(app: AppName, holder: String)
    /// Somebody has put a stop on the app's deploys; `forcible` where the command has a flag to go on.
    case frozen(app: AppName, DeployFreeze, forcible: Bool)
    /// A newer deploy took this one's place.
    case superseded(by: String)
    /// A shared path cannot be put in place.
    case shared(path: ReleasePath, problem: String)
    /// The release was found bad, and why.
    case foundBad(ReleaseID, AppName, reason: String)
    /// This host cannot make releases read-only to services.
    case unsealable(problem: String)

    /// One sentence, lower case.
    public var description: String {
        switch self {
        case .noSuchApp(let name): "there is no app \(name.shown(limit: 60)) here"
        case .missingEnvironment(_, let keys):
            "\(keys.count == 1 ? "this environment key has" : "these environment keys have") no value: "
                + keys.joined(separator: ", ")
        case .buildFailed(let step, let status): "build failed: \(step.shown(limit: 80)) ended with \(status)"
        case .timedOut(let what, let limit): "\(what.shown(limit: 80)) took longer than \(limit)"
        case .migrationFailed(let command, let status):
            "migration failed: \(command.shown(limit: 80)) ended with \(status)"
        case .unhealthy(let failure): "health check failed: \(failure)"
        case .otherApp(let manifest, let app): "the manifest is for \(manifest), this receiver is \(app)'s"
        case .noSuchEnvironment(let name, let known, let app):
            "\(app) is for the environment “\(name.shown(limit: 40))”, and the manifest has "
                + known.joined(separator: ", ").shown(limit: 200)
        case .otherBranch(let manifest, let branch, _): "the manifest deploys \(manifest), this app deploys \(branch)"
        case .domainTaken(let domain): "the domain \(domain) is another app's"
        case .noRoom(let what, let path, let needed, let left, _):
            "not enough \(what) on \(path): \(needed) needed, \(left) left"
        case .nothingLive(let app): "nothing is live in \(app)"
        case .noRollback(let app): "there is no release of \(app) to go back to"
        case .pruned(let commit, _): "the release of \(commit.short) was pruned"
        case .noSuchService(let name, let known, _):
            "there is no service \(name.shown(limit: 40))"
                + (known.isEmpty ? ", and no other" : "; there are: \(known.joined(separator: ", "))")
        case .noFreeSlot(let service, _): "all three slots of \(service) are in use"
        case .missingTemplate(let target, let template): "the template \(template) of \(target) is not in the tree"
        case .missingDirectory(let what, let path): "\(what) is missing after the build: \(path)"
        case .servedLink(let path, let target):
            "the site would serve \(path.shown(limit: 80)), a link to \(target.shown(limit: 80)) out of the release"
        case .busy(let app, let holder): "\(app) is busy: \(holder)"
        case .frozen(let app, let freeze, _): "\(app) is locked \(freeze.shown)"
        case .superseded(let by): "superseded by \(by)"
        case .foundBad(let release, _, let reason):
            "\(release.short) was found bad: \(reason.shown(limit: 150))"
        case .unsealable(let problem):
            "this host cannot make releases read-only to services, which hard links need: \(problem.shown(limit: 200))"
        case .shared(let path, let problem): "the shared path \(path) \(problem)"
        }
    }

    /// A command that works, where there is one.
    public var hint: String? {
        switch self {
        case .noSuchApp: "pmo-release apps"
        case .missingEnvironment(let app, let keys): "pmo-release env set \(app) \(keys[0]) --stdin"
        case .buildFailed, .unhealthy, .migrationFailed: nil
        case .timedOut: "give it more time with `within:` in pmo-release.yml"
        case .otherApp(_, let app): "set `app: \(app)` in pmo-release.yml, or push to the other app's remote"
        case .noSuchEnvironment(let name, _, _):
            "add `\(name.shown(limit: 40)): {}` to `environments` in pmo-release.yml, or create the app with one of those"
        case .otherBranch(_, let branch, _): "set `branch: \(branch)` in pmo-release.yml, or leave it out"
        case .domainTaken: "use another domain; whoever runs the host sees whose it is: pmo-release site list"
        case .noRoom(_, _, _, _, let app):
            "pmo-release prune \(app), pmo-release cache clear \(app), or free some room, then push again"
        case .nothingLive: "git push production"
        case .noRollback(let app): "pmo-release list \(app)"
        case .pruned(let commit, let app): "pmo-release deploy \(app) \(commit.short)"
        case .noSuchService(_, _, let app): "pmo-release ps \(app)"
        case .noFreeSlot(_, let app): "pmo-release ps \(app); wait for a running command to end"
        case .missingTemplate: "add the file, or take it out of `env: files`"
        case .missingDirectory: "check the build's steps, or correct the path in pmo-release.yml"
        case .servedLink: "have the build copy what it links to, or keep the link out of the site's root"
        case .busy(let app, _): "wait, or see pmo-release status \(app)"
        case .frozen(let app, _, let forcible): "pmo-release unlock \(app)\(forcible ? ", or --force" : "")"
        case .superseded: nil
        case .foundBad(let release, let app, _): "pmo-release switch \(app) \(release.short) --force"
        case .unsealable: "--share auto"
        case .shared: "move it away in the tree or in shared/, or take it out of `shared`"
        }
    }

    /// Refused where nothing was tried, failed else.
    public var outcome: ErrorOutcome {
        switch self {
        case .buildFailed, .timedOut, .migrationFailed, .unhealthy, .noFreeSlot, .missingDirectory, .servedLink:
            .failed
        default: .refused
        }
    }
}

/// What a candidate did instead of answering well.
public struct HealthFailure: Sendable, CustomStringConvertible {
    /// Which service.
    public var service: ServiceName
    /// Which of its instances, from 0.
    public var instance: Int
    /// What was asked, such as `GET /health`; nil for a worker.
    public var request: String?
    /// Where: `127.0.0.1:20001`.
    public var address: String?
    /// What happened: `answered 500`, `did not answer within 30s`, `exited 3 times`.
    public var problem: String
    /// The beginning of the answer, raw.
    public var answer: String?
    /// What may explain it, such as a port that it listens on instead.
    public var remark: String?

    /// `GET /health answered 500`; a service's name where nothing was asked.
    public var description: String { "\(request ?? service.text) \(problem)" }
}
