import DeployPipeline
import FailPoints
import GitRepository
import Glibc
import ReleaseModel
import ReleaseStore

/// Decides in quarantine whether a push may come in. It writes nothing: a refused push leaves nothing behind.
struct PreReceiveHook {
    let host: AppHost

    init(_ host: AppHost) { self.host = host }

    func run() throws -> Int32 {
        let options = try PushOptions.fromEnvironment()
        let commit = try PushRules(app: host.layout.name, branch: host.settings.branch).commit(
            of: RefUpdate.fromInput())
        let repository = try GitRepository.openFromEnvironment()
        try FailPoint.receiveBeforeReview.pass("read", host.layout.repository)
        let review = try CommitReview(commit, in: repository, host: host)
        try FailPoint.receiveAfterReview.pass("read", host.layout.repository)
        guard options.contains(.plan) else {
            try DeployFreeze.check(host.layout)
            return 0
        }
        show(review, commit)
        if let freeze = try DeployFreeze.of(host.layout) { Output.progress("       locked   \(freeze.shown)") }
        throw PushError.planned(host.settings.branch)
    }

    private func show(_ review: CommitReview, _ commit: CommitID) {
        let manifest = review.manifest
        Output.progress("-----> \(host.layout.name): would deploy \(commit.short)")
        Output.progress("       export   \(review.tree.files.counted("file")), \(review.tree.bytes.shownAsBytes)")
        for note in manifest.notes { Output.progress("       \(note)") }
        for step in manifest.build { Output.progress("       build    \(step.run.shown(limit: 60))") }
        if let migrate = manifest.migrate { Output.progress("       migrate  \(migrate.shown(limit: 60))") }
        for service in manifest.services { Output.progress("       start    \(service.name) × \(service.instances)") }
        for site in manifest.sites { Output.progress("       serve    \(site.domain ?? host.settings.domain)") }
    }
}

/// Which refs a push may change; pure.
struct PushRules {
    let app: AppName
    let branch: BranchName

    /// The one commit that the push asks to deploy.
    ///
    /// - Throws: `PushError` for everything but a new commit on the app's branch.
    func commit(of updates: [RefUpdate]) throws(PushError) -> CommitID {
        for update in updates {
            if update.new.isZero { throw .deleted(update.reference, branch) }
            if update.reference.hasPrefix("refs/tags/") { throw .tag(update.reference, branch) }
            guard update.reference == branch.reference else { throw .otherBranch(update.reference, branch, app) }
        }
        guard let only = updates.first, updates.count == 1 else { throw .nothing(branch) }
        return only.new
    }
}

/// The options of a push, `git push -o …`.
enum PushOption: String, CaseIterable {
    case plan
    case noCache = "no-cache"
    case skipMigrate = "skip-migrate"
}

enum PushOptions {
    /// git hands options to pre-receive and post-receive in `GIT_PUSH_OPTION_COUNT` and `GIT_PUSH_OPTION_<n>`.
    static func fromEnvironment(
        _ value: (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) throws(PushError) -> Set<PushOption> {
        guard let text = value("GIT_PUSH_OPTION_COUNT") else { return [] }
        guard let count = Int(text), (0...PushOption.allCases.count).contains(count) else { throw .tooManyOptions }
        return try parse((0..<count).map { value("GIT_PUSH_OPTION_\($0)") ?? "" })
    }

    static func parse(_ words: [String]) throws(PushError) -> Set<PushOption> {
        guard words.count <= PushOption.allCases.count else { throw .tooManyOptions }
        var result: Set<PushOption> = []
        for word in words {
            guard let option = PushOption(rawValue: word) else { throw .unknownOption(word) }
            result.insert(option)
        }
        return result
    }
}

/// Why a push is refused before anything is kept.
enum PushError: HintedError, Equatable {
    case deleted(String, BranchName)
    case tag(String, BranchName)
    case otherBranch(String, BranchName, AppName)
    case nothing(BranchName)
    case unknownOption(String)
    case tooManyOptions
    case planned(BranchName)

    var description: String {
        switch self {
        case .deleted(let reference, _): "\(reference.shown(limit: 80)) cannot be deleted here"
        case .tag(let reference, _): "tags do not deploy: \(reference.shown(limit: 80))"
        case .otherBranch(let reference, let branch, let app):
            "\(app) deploys \(branch), not \(Self.short(reference))"
        case .nothing(let branch): "push \(branch) alone"
        case .unknownOption(let word): "unknown push option “\(word.shown(limit: 40))”"
        case .tooManyOptions: "too many push options"
        case .planned: "planned only: nothing was changed"
        }
    }
    var hint: String? {
        switch self {
        case .deleted(_, let branch), .nothing(let branch), .planned(let branch): "git push production \(branch)"
        case .tag(let reference, let branch):
            "git push production \(Self.word(reference, "^{commit}:\(branch.reference)"))"
        case .otherBranch(let reference, let branch, _):
            "git push production \(Self.word(reference, ":\(branch)"))"
        case .unknownOption, .tooManyOptions:
            "the options are: \(PushOption.allCases.map(\.rawValue).joined(separator: ", "))"
        }
    }
    var outcome: ErrorOutcome { .refused }

    /// A ref as a word that can be pasted: names that a shell or git would take for something else are written in full,
    /// in quotes.
    private static func word(_ reference: String, _ rest: String) -> String {
        let short = short(reference)
        guard (try? BranchName(short)) == nil else { return short + rest }
        return "'" + reference.shown(limit: 60).replacing("'", with: "'\\''") + rest + "'"
    }

    private static func short(_ reference: String) -> String {
        for prefix in ["refs/heads/", "refs/tags/"] where reference.hasPrefix(prefix) {
            return String(reference.dropFirst(prefix.count)).shown(limit: 60)
        }
        return reference.shown(limit: 60)
    }
}
