import GitRepository
import HostControl
import ReleaseModel
import ReleaseStore
import SiteTemplates
public import SystemPackage

extension AppHost {
    /// What keeps services from writing to the app's releases.
    var seal: ReleaseSeal { ReleaseSeal(script: SiteTemplates.seal, releases: layout.releases) }

    /// Refuses hard links between releases where services could write to what is linked.
    ///
    /// - Throws: `DeployError.unsealable`.
    public func requireSeal() async throws { try await Self.requireSeal(of: layout.releases) }

    /// The same for a host whose app is not there yet: tried with another directory.
    public static func requireSeal(of directory: FilePath) async throws {
        let seal = ReleaseSeal(script: SiteTemplates.seal, releases: directory)
        if let problem = await seal.problem(runner: ProcessRunner()) { throw DeployError.unsealable(problem: problem) }
    }

    /// The contents of the receiver's blobs.
    var blobs: BlobSource {
        let repository = layout.repository
        return BlobSource(
            identify: { try? ContentID.of($0) }, read: { try GitRepository(opening: repository).blob($0) })
    }

    /// Runs what removes releases, so that the next deploy need not read all files again: a link that goes changes the
    /// stamp of the file that it led to.
    func keepingLinkStamps(without removed: Set<ReleaseID>, _ removal: () throws -> Void) throws {
        guard settings.share == .hardlink, !removed.isEmpty else { return try removal() }
        try store.keepingStamps(without: removed, removal)
    }
}
