import GRDB

/// The ledger's tables. A change of them is a new migration; one that has shipped is never edited.
enum LedgerSchema {
    static func migrator() -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 deploys, phases, events") { database in
            try database.execute(sql: first)
        }
        return migrator
    }

    /// `AUTOINCREMENT`: a number is never used twice. A phase may stand twice: it was begun again after a crash.
    private static let first = """
        CREATE TABLE deploys (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL, commit_id TEXT NOT NULL, subject TEXT NOT NULL, author TEXT NOT NULL,
            branch TEXT NOT NULL, who TEXT NOT NULL, origin TEXT NOT NULL, options TEXT NOT NULL,
            state TEXT NOT NULL, reason TEXT, phase TEXT, release TEXT,
            pid INTEGER, pid_started INTEGER, boot TEXT,
            created REAL NOT NULL, started REAL, finished REAL, files INTEGER, bytes INTEGER
        ) STRICT;
        CREATE INDEX deploys_open ON deploys (state) WHERE state IN ('queued', 'running');
        CREATE INDEX deploys_origin ON deploys (origin) WHERE origin <> '';
        CREATE INDEX deploys_commit ON deploys (commit_id);
        CREATE TABLE phases (
            id INTEGER PRIMARY KEY,
            deploy INTEGER NOT NULL REFERENCES deploys (number) ON DELETE CASCADE,
            phase TEXT NOT NULL, started REAL NOT NULL, finished REAL, detail TEXT NOT NULL
        ) STRICT;
        CREATE INDEX phases_deploy ON phases (deploy);
        CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            time REAL NOT NULL, who TEXT NOT NULL, verb TEXT NOT NULL, detail TEXT NOT NULL, deploy INTEGER
        ) STRICT;
        """
}
