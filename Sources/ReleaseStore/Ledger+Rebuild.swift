import GRDB
import ReleaseModel
import SystemPackage

extension Ledger {
    /// Records the deploys of releases that the ledger does not know: it was lost, and the releases are what is left (F40).
    ///
    /// - Returns: how many were recorded.
    @discardableResult
    public func rebuild(from store: ReleaseStore) throws(StoreError) -> Int {
        var lost: [Deploy] = []
        for id in try store.releases() {
            guard let information = try? store.information(id), information.deploy > 0 else { continue }
            lost.append(Self.deploy(that: information, of: store))
        }
        return try write { database in
            var recorded = 0
            for deploy in lost {
                let sql = "SELECT 1 FROM deploys WHERE number = ?"
                guard try Int.fetchOne(database, sql: sql, arguments: [deploy.number]) == nil else { continue }
                try Self.insert(deploy, database)
                recorded += 1
            }
            return recorded
        }
    }

    private static func deploy(that information: ReleaseInformation, of store: ReleaseStore) -> Deploy {
        var deploy = Deploy(
            kind: .push, commit: information.id.commit, subject: information.subject, author: information.author,
            branch: information.branch, who: information.who, created: information.created)
        deploy.number = information.deploy
        deploy.release = information.id
        deploy.started = information.created
        deploy.finished = information.built ?? information.created
        deploy.files = information.files
        deploy.bytes = information.bytes
        deploy.state = store.served(information.id) ? .live : .failed
        if deploy.state == .failed { deploy.reason = store.bad(information.id) ?? "not recorded: the ledger was lost" }
        return deploy
    }

    /// The highest number of a deploy that has left a release or a log; 0 where there is none.
    static func highestNumberOnDisk(_ app: AppLayout) throws(StoreError) -> Int {
        let store = ReleaseStore(app)
        var numbers = [0]
        for id in try store.releases() { numbers.append((try? store.information(id))?.deploy ?? 0) }
        for name in try app.deployLogs.namesInside() { numbers.append(Int(name.prefix { $0 != "." }) ?? 0) }
        return numbers.max() ?? 0
    }
}
