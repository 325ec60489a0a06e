import GRDB
public import ReleaseModel

extension Ledger {
    /// Records what somebody did.
    public func record(_ event: LedgerEvent) throws(StoreError) {
        try write { database in
            try database.execute(
                sql: "INSERT INTO events (time, who, verb, detail, deploy) VALUES (?, ?, ?, ?, ?)",
                arguments: [event.time, event.who, event.verb, event.detail, event.deploy])
        }
    }

    /// What was done last, the newest first.
    public func events(limit: Int) throws(StoreError) -> [LedgerEvent] {
        try read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT time, who, verb, detail, deploy FROM events ORDER BY id DESC LIMIT ?",
                arguments: [limit])
            return rows.map { row in
                LedgerEvent(time: row[0], who: row[1], verb: row[2], detail: row[3], deploy: row[4])
            }
        }
    }
}
