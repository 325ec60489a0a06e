public import GitRepository
public import ReleaseModel
import ReleaseStore
import SystemPackage

/// The reference of a deploy in the receiver, `refs/pmo/deploys/<number>`: git keeps the objects of a commit that no
/// branch reaches yet, or any more, while the deploy runs and once it was live.
public enum DeployReference {
    /// Makes it; a deploy does without where that fails.
    public static func set(_ number: Int, to commit: CommitID, in repository: GitRepository) {
        try? repository.setReference(name(number), to: commit)
    }

    /// Removes that of a deploy that ended otherwise than live.
    static func remove(_ number: Int, of host: AppHost) {
        try? GitRepository(opening: host.layout.repository).deleteReference(name(number))
    }

    /// Where those are that git has not packed.
    static func directory(in repository: FilePath) -> FilePath { repository.pushing(FilePath(all)) }

    private static let all = "refs/pmo/deploys"
    private static func name(_ number: Int) -> String { "\(all)/\(number)" }
}
