import CLibgit2
public import ReleaseModel

/// Why git's objects could not be read, or may not be deployed.
public enum GitError: HintedError {
    /// libgit2 refused: its code, the function that was called, and its message, read at once on the same thread.
    case library(code: Int32, function: String, message: String)
    /// No commit has an id that begins so.
    case unknownCommit(String)
    /// Several commits have an id that begins so.
    case ambiguousCommit(String, candidates: [String])
    /// The tree breaks the policy; `path` is raw bytes as text, `id` names the attack it wards off.
    case treeRefused(path: String, problem: String)
    /// The tree has no file.
    case emptyTree
    /// A file of the release could not be written.
    case write(path: String, code: Int32, message: String)

    static func last(_ code: Int32, _ function: String) -> GitError {
        let message = git_error_last().flatMap { $0.pointee.message }.map { String(cString: $0) } ?? "no message"
        return .library(code: code, function: function, message: message)
    }

    /// One sentence, lower case.
    public var description: String {
        switch self {
        case .library(let code, let function, let message):
            "\(function) failed: \(message.shown(limit: 200)) (libgit2 \(code))"
        case .unknownCommit(let prefix): "no commit begins with \(prefix)"
        case .ambiguousCommit(let prefix, let candidates):
            "\(prefix) is ambiguous: \(candidates.joined(separator: ", "))"
        case .treeRefused(let path, let problem): "\(path.shown(limit: 120)): \(problem)"
        case .emptyTree: "the commit has no file"
        case .write(let path, _, let message): "cannot write \(path.shown(limit: 120)): \(message)"
        }
    }

    /// A command that helps.
    public var hint: String? {
        switch self {
        case .library: nil
        case .unknownCommit: "pmo-release list, or git log on your side"
        case .ambiguousCommit: "type more of its digits"
        case .treeRefused(let path, _): "git rm -r --cached '\(path.shown(limit: 120))', commit, and push again"
        case .emptyTree: "git add the files, commit, and push again"
        case .write: "look at the disk's free space and the directory's owner"
        }
    }

    /// A refused tree or prefix changes nothing; the rest has failed.
    public var outcome: ErrorOutcome {
        switch self {
        case .library, .write: .failed
        default: .refused
        }
    }
}
