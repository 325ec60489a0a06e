import GRDB
public import ReleaseModel

extension Ledger {
    /// Notes that a phase of a deploy begins, and that it is the one that runs.
    public func begin(_ phase: Phase, of deploy: Int, at time: Double) throws(StoreError) {
        try write { database in
            try database.execute(
                sql: "UPDATE deploys SET phase = ? WHERE number = ?", arguments: [phase.rawValue, deploy])
            guard database.changesCount == 1 else { throw StoreError.unknownDeploy(app.name, number: deploy) }
            try database.execute(
                sql: "INSERT INTO phases (deploy, phase, started, detail) VALUES (?, ?, ?, '')",
                arguments: [deploy, phase.rawValue, time])
        }
    }

    /// Notes that a phase of a deploy has ended, with what it did in a few words.
    public func end(_ phase: Phase, of deploy: Int, at time: Double, detail: String = "") throws(StoreError) {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE phases SET finished = ?, detail = ? WHERE id =
                    (SELECT max(id) FROM phases WHERE deploy = ? AND phase = ? AND finished IS NULL)
                    """,
                arguments: [time, detail, deploy, phase.rawValue])
        }
    }

    /// The phases of a deploy in the order in which they began.
    public func phases(of deploy: Int) throws(StoreError) -> [PhaseRecord] {
        try read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT phase, started, finished, detail FROM phases WHERE deploy = ? ORDER BY id",
                arguments: [deploy])
            return try rows.map { row in
                let phase = try DeployRow.value(row[0], "phase", Phase.init(rawValue:))
                return PhaseRecord(phase: phase, started: row[1], finished: row[2], detail: row[3])
            }
        }
    }
}
