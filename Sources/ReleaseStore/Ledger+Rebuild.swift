import GRDB
public import ReleaseModel
import SystemPackage

extension Ledger {
    /// Records the deploys of releases that the ledger does not know: it was lost, and the releases are what is left (F40).
    ///
    /// - Parameter releases: those that there are, by this ledger; looked for unless given.
    /// - Returns: how many were recorded.
    @discardableResult
    public func rebuild(from store: ReleaseStore, _ releases: ReleaseLook? = nil) throws(StoreError) -> Int {
        let lost = try unrecorded(store, releases)
        // Most often there is nothing to write.
        guard !lost.isEmpty else { return 0 }
        return try write { database in
            var recorded = 0
            for deploy in lost {
                let sql = "SELECT 1 FROM deploys WHERE number = ?"
                guard try Int.fetchOne(database, sql: sql, arguments: [deploy.number]) == nil else { continue }
                try Self.insert(deploy, database)
                recorded += 1
            }
            // Failed deploys have left no release, but a log each: their numbers are not given again.
            try database.execute(
                sql: "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'deploys' AND seq < ?1",
                arguments: [Self.highestNumberOnDisk(store.app)])
            return recorded
        }
    }

    /// The deploys of releases that the ledger does not know.
    public func unrecorded(_ store: ReleaseStore, _ releases: ReleaseLook? = nil) throws(StoreError) -> [Deploy] {
        let unknown = if let releases { releases.unknown } else { try store.look(self).unknown }
        guard !unknown.isEmpty else { return [] }
        let known = try read { try Set(Int.fetchAll($0, sql: "SELECT number FROM deploys")) }
        var lost: [Deploy] = []
        for id in unknown.sorted() {
            guard let information = try? store.information(id), information.deploy > 0,
                !known.contains(information.deploy)
            else { continue }
            lost.append(Self.deploy(that: information, of: store))
        }
        return lost
    }

    /// The deploys that made releases, by release, as far as they went live.
    func deployNumbers() throws(StoreError) -> [ReleaseID: Int] {
        try read { database in
            var numbers: [ReleaseID: Int] = [:]
            let sql = "SELECT release, number FROM deploys WHERE release IS NOT NULL"
            let rows = try Row.fetchCursor(database, sql: sql)
            while let row = try rows.next() {
                if let name = row[0] as String?, let id = ReleaseID(directoryName: name) { numbers[id] = row[1] }
            }
            return numbers
        }
    }

    /// Records a deploy again under the number that it had, where the ledger does not know it any more.
    public func restore(_ deploy: Deploy) throws(StoreError) {
        try write { database in
            let sql = "SELECT 1 FROM deploys WHERE number = ?"
            guard try Int.fetchOne(database, sql: sql, arguments: [deploy.number]) == nil else { return }
            try Self.insert(deploy, database)
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
