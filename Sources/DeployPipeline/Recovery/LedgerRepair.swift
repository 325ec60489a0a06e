public import ReleaseStore
public import SystemPackage

/// Puts a new ledger in the place of one that SQLite cannot read any more, with the deploys that releases and intents
/// still tell of. The caller holds the app's lock.
public struct LedgerRepair: Sendable {
    let host: AppHost

    /// Repair of an app's ledger.
    public init(_ host: AppHost) { self.host = host }

    /// Opens the ledger, repaired where need be.
    ///
    /// - Returns: the ledger, and where the damaged one is now; nil where nothing was wrong.
    public func open() throws -> (ledger: Ledger, aside: FilePath?) {
        do {
            let ledger = try Ledger(host.layout)
            try ledger.verify()
            return (ledger, nil)
        } catch let error as StoreError where error.isDamagedLedger {
            let aside = try host.store.setLedgerAside()
            let ledger = try Ledger(host.layout)
            try ledger.rebuild(from: host.store)
            return (ledger, aside)
        }
    }
}
