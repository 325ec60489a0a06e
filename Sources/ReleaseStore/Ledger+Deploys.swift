import GRDB
public import ReleaseModel
import SystemPackage

extension Ledger {
    /// Records a deploy and gives it the next number. Where the ledger was lost, numbers go on after those that
    /// releases and logs still have.
    public func record(_ deploy: Deploy) throws(StoreError) -> Deploy {
        try write { database in
            var recorded = deploy
            recorded.number = try Self.nextNumber(database, app)
            try Self.insert(recorded, database)
            return recorded
        }
    }

    /// The deploy of that number; nil where there is none.
    public func deploy(_ number: Int) throws(StoreError) -> Deploy? {
        try first("WHERE number = ?", [number])
    }

    /// The last deploys, the newest first.
    public func deploys(limit: Int) throws(StoreError) -> [Deploy] {
        try all("ORDER BY number DESC LIMIT ?", [limit])
    }

    /// The deploys that have not ended, as far as the ledger knows: queued or running, the oldest first.
    public func running() throws(StoreError) -> [Deploy] {
        try all("WHERE state IN ('queued', 'running') ORDER BY number", [])
    }

    /// The deploys that wait and were asked for after another, the newest first; some may have lost their process.
    public func queued(after number: Int) throws(StoreError) -> [Deploy] {
        try all("WHERE state = 'queued' AND number > ? ORDER BY number DESC", [number])
    }

    /// The deploys that came by one push, or that it attached to; the oldest first.
    public func deploys(origin: String) throws(StoreError) -> [Deploy] {
        guard !origin.isEmpty else { return [] }
        return try all("WHERE instr(' ' || origin || ' ', ' ' || ? || ' ') ORDER BY number", [origin])
    }

    /// The newest deploy of a commit that stands in one of the states.
    public func deploy(commit: CommitID, states: Set<DeployState>) throws(StoreError) -> Deploy? {
        let marks = states.map { _ in "?" }.joined(separator: ", ")
        return try first(
            "WHERE commit_id = ? AND state IN (\(marks)) ORDER BY number DESC",
            [commit.text] + StatementArguments(states.map(\.rawValue)))
    }

    /// Changes what is recorded of a deploy; what others changed meanwhile stays.
    ///
    /// - Throws: `unknownDeploy`.
    @discardableResult
    public func update(_ number: Int, _ change: (inout Deploy) -> Void) throws(StoreError) -> Deploy {
        try write { database in
            guard let row = try Self.row(database, "WHERE number = ?", [number]) else {
                throw StoreError.unknownDeploy(app.name, number: number)
            }
            var deploy = try DeployRow.deploy(row)
            change(&deploy)
            deploy.number = number
            let marks = DeployRow.columns.split(separator: ",").map { "\($0) = ?" }.joined(separator: ", ")
            try database.cachedStatement(sql: "UPDATE deploys SET \(marks) WHERE number = ?")
                .execute(arguments: DeployRow.arguments(deploy) + [number])
            return deploy
        }
    }

    static func insert(_ deploy: Deploy, _ database: Database) throws {
        let marks = Array(repeating: "?", count: 21).joined(separator: ", ")
        try database.execute(
            sql: "INSERT INTO deploys (\(DeployRow.columns)) VALUES (\(marks))",
            arguments: DeployRow.arguments(deploy))
    }

    private static func nextNumber(_ database: Database, _ app: AppLayout) throws -> Int {
        // What AUTOINCREMENT keeps: the highest number ever given, whether its row is there or not.
        let last = try Int.fetchOne(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'deploys'")
        return (try last ?? highestNumberOnDisk(app)) + 1
    }

    private static func row(_ database: Database, _ clause: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(database, sql: "SELECT \(DeployRow.columns) FROM deploys \(clause)", arguments: arguments)
    }

    private func first(_ clause: String, _ arguments: StatementArguments) throws(StoreError) -> Deploy? {
        try read { try Self.row($0, clause, arguments).map(DeployRow.deploy) }
    }

    private func all(_ clause: String, _ arguments: StatementArguments) throws(StoreError) -> [Deploy] {
        try read { database in
            let sql = "SELECT \(DeployRow.columns) FROM deploys \(clause)"
            return try Array(Row.fetchCursor(database, sql: sql, arguments: arguments).map(DeployRow.deploy))
        }
    }
}
