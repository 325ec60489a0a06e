import CLibgit2
import Glibc
public import ReleaseModel

/// What can go wrong between a receiver and a release.
public enum GitError: HintedError {
    /// A function of libgit2 failed; `message` is what it said about that, raw.
    case library(code: Int32, function: String, message: String)
    /// A system call of the export failed on the path, relative to the release.
    case system(errno: Int32, call: String, path: [UInt8])
    /// The tree breaks a rule; nothing was written.
    case refused(TreeRefusal)
    /// No commit's id begins like this.
    case unknownCommit(String)
    /// The ids of several commits begin like this; at most 5 of them, cut to what tells them apart.
    case ambiguousCommit(String, candidates: [String])
    /// The object exists and is something else than a commit.
    case notACommit(String, kind: String)
    /// The reference was expected elsewhere; nil stands for no such reference.
    case referenceMoved(String, expected: CommitID?, found: CommitID?)
    /// There is something at the path already.
    case exists(String)
    /// The receiver of index entries stopped the export.
    case index(any Error)

    /// One sentence, with everything that came from a pusher escaped.
    public var description: String {
        switch self {
        case .library(let code, let function, let message):
            "\(message.shown(limit: 300)) (\(function): \(code))"
        case .system(let errno, let call, let path):
            "cannot write \(path.quoted): \(String(cString: strerror(errno))) (\(call))"
        case .refused(let refusal):
            refusal.description
        case .unknownCommit(let prefix):
            "no commit here begins with \(prefix.shown(limit: 60))"
        case .ambiguousCommit(let prefix, let candidates):
            "\(prefix.shown(limit: 60)) is ambiguous: \(candidates.joined(separator: ", "))"
        case .notACommit(let id, let kind):
            "\(id.shown(limit: 60)) is a \(kind), not a commit"
        case .referenceMoved(let name, let expected, let found):
            "\(name.shown(limit: 200)) is at \(found?.short ?? "nothing"), not at \(expected?.short ?? "nothing")"
        case .exists(let path):
            "there is something at \(path.shown(limit: 300)) already"
        case .index(let error):
            "\(error)"
        }
    }

    /// What helps from here.
    public var hint: String? {
        switch self {
        case .library(GIT_ENOTFOUND.rawValue, let function, _) where function.hasPrefix("git_repository_open"):
            "pmo-release apps"
        case .refused(let refusal): refusal.hint
        case .unknownCommit: "push it first; what has been deployed: pmo-release history"
        case .ambiguousCommit, .notACommit: "pmo-release list"
        case .referenceMoved: "git fetch, then push again"
        case .system(ENOSPC, _, _), .system(EDQUOT, _, _): "df -h; df -i"
        case .index(let error): (error as? any HintedError)?.hint
        case .library, .system, .exists: nil
        }
    }

    /// Refused where nothing had been changed yet.
    public var outcome: ErrorOutcome {
        switch self {
        case .refused, .unknownCommit, .ambiguousCommit, .notACommit, .referenceMoved, .exists: .refused
        case .index(let error): (error as? any HintedError)?.outcome ?? .failed
        case .library, .system: .failed
        }
    }
}
