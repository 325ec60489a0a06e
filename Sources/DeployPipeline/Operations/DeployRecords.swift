import ReleaseStore

/// What each deploy leaves for good beside its row in the ledger: its logs, and its reference in the receiver. Those of
/// old deploys go, so that a host does not fill up with them.
struct DeployRecords {
    let host: AppHost

    /// Removes what is old. The caller holds the lock.
    ///
    /// - Parameter releases: those that there are, whose logs stay.
    func prune(beside releases: ReleaseLook) throws {
        for number in try host.store.oldLogs(beside: releases) {
            DeployReference.remove(number, of: host)
            try host.store.removeLogs(of: number)
        }
    }
}
