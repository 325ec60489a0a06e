import ReleaseStore

/// What each deploy leaves for good beside its row in the ledger: its logs, and its reference in the receiver. Those of
/// old deploys go, so that a host does not fill up with them.
struct DeployRecords {
    let host: AppHost
    let ledger: Ledger

    /// Removes what is old. The caller holds the lock.
    func prune() throws {
        for number in try host.store.oldLogs(ledger) {
            DeployReference.remove(number, of: host)
            try host.store.removeLogs(of: number)
        }
    }
}
