import FailPoints
import GitRepository
import ReleaseModel
import ReleaseStore

/// Moves the receiver's branch to the live commit: after a push always, also when the pusher is long gone; for a commit
/// deployed by hand only forward.
struct BranchMove {
    private let host: AppHost

    init(_ host: AppHost) { self.host = host }

    /// The deploy is live: nothing of this may fail it.
    func run(_ deploy: Deploy) {
        guard FailPoints.pass(.branchBeforeMove) == 0,
            let repository = try? GitRepository(opening: host.layout.repository),
            let branch = try? BranchName(deploy.branch)
        else { return }
        let tip = (try? repository.commitID(of: branch.reference)).flatMap { $0 }
        guard tip != deploy.commit else { return }
        let forward = tip.map { (try? repository.isAncestor($0, of: deploy.commit)) ?? false } ?? true
        if deploy.kind == .push || forward { try? repository.setReference(branch.reference, to: deploy.commit) }
        _ = FailPoints.pass(.branchAfterMove)
    }
}
