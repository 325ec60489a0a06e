import ReleaseModel
public import ReleaseStore

/// What somebody waits for who waits for an app's lock: whose work, at what, since when.
public struct LockWait: Sendable, Equatable {
    /// `deploy 118 (4f2c9ab) of alice: build for 12 s`.
    public let shown: String
    /// Another one where the same sentence with another time would not tell anything new.
    let subject: String

    /// Looks at the lock and at the ledger, of which either may be of no help.
    public init(for app: AppLayout, _ ledger: Ledger?) {
        let holder = AppLock.holder(of: app)
        let running = (try? ledger?.running()) ?? []
        guard let deploy = running.first(where: { $0.state == .running && $0.process == holder?.process }) else {
            subject = holder?.what ?? ""
            shown = holder?.shown ?? "another command"
            return
        }
        let name = "deploy \(deploy.number) (\(deploy.commit.short)) of \(deploy.who.shown(limit: 30))"
        let phase = deploy.phase?.rawValue ?? "beginning"
        let since = (try? ledger?.phases(of: deploy.number))?.last?.started ?? deploy.started ?? deploy.created
        subject = "\(name): \(phase)"
        shown = "\(subject) for \(Moment.length(currentTime() - since))"
    }
}
