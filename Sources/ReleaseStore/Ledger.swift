import FailPoints
import GRDB
import Glibc
import ReleaseModel
import SystemPackage

/// The record of an app's deploys, phases and events, in SQLite: who did what, when, and how it ended. What it says of
/// the disk is believed only where the disk says nothing else.
///
/// A write returns when it is on the disk (write-ahead log, `synchronous=FULL`); it waits up to 60 s for others.
public final class Ledger: Sendable {
    /// The app.
    public let app: AppLayout
    private let queue: DatabaseQueue

    /// Opens an app's ledger for reading and writing; makes it, or brings its tables up to date, where need be.
    ///
    /// - Throws: `newerLedger`, or `ledger` with SQLite's words.
    public init(_ app: AppLayout) throws(StoreError) {
        self.app = app
        do {
            queue = try Self.openCurrent(app) ?? Self.prepare(app)
        } catch {
            throw Self.failure(error, app)
        }
    }

    /// Opens an app's ledger for reading only. One that is lost, or was never made, is empty.
    public init(readingOnly app: AppLayout) throws(StoreError) {
        self.app = app
        do {
            guard app.ledger.status() != nil else {
                queue = try DatabaseQueue(configuration: Self.configuration(readonly: false))
                try LedgerSchema.migrator().migrate(queue)
                return
            }
            if let current = try Self.openCurrent(app, readonly: true) {
                queue = current
            } else {
                // Made by an older version: brought up to date first.
                queue = try Self.prepare(app)
            }
        } catch {
            throw Self.failure(error, app)
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do { return try queue.read(body) } catch { throw Self.failure(error, app) }
    }

    /// In one immediate transaction.
    func write<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        let value: Value
        do {
            value = try queue.write { database in
                let value = try body(database)
                try FailPoint.ledgerBeforeCommit.pass("write", app.ledger)
                return value
            }
        } catch {
            throw Self.failure(error, app)
        }
        try FailPoint.ledgerAfterCommit.pass("write", app.ledger)
        return value
    }

    private static func failure(_ error: any Error, _ app: AppLayout) -> StoreError {
        switch error {
        case let error as StoreError: error
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL || isOfFullDisk(error, app):
            .system(action: "write", path: app.ledger, code: Errno.noSpace.rawValue)
        case let error as DatabaseError:
            .ledger(
                path: app.ledger, code: error.extendedResultCode.rawValue,
                message: error.message ?? "no reason given")
        default: .damaged(path: app.ledger, problem: "cannot be read: \(error)")
        }
    }
}

extension Ledger {
    /// Bytes of the index that SQLite makes beside a ledger (https://sqlite.org/walformat.html#shm).
    private static let roomForIndex = 32 << 10

    /// Whether a file beside the ledger could not be made or grow for want of room: SQLite tells what failed, and not why.
    private static func isOfFullDisk(_ error: DatabaseError, _ app: AppLayout) -> Bool {
        guard [.SQLITE_IOERR, .SQLITE_CANTOPEN].contains(error.resultCode),
            let room = try? DiskSpace.available(at: app.root)
        else { return false }
        return room.bytes < Self.roomForIndex || room.inodes == 0
    }

    private static func configuration(readonly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readonly
        configuration.busyMode = .timeout(60)
        configuration.label = "ledger"
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        return configuration
    }

    /// Opens a ledger whose tables are up to date; nil where there is work to do first.
    private static func openCurrent(_ app: AppLayout, readonly: Bool = false) throws -> DatabaseQueue? {
        guard let status = app.ledger.status() else { return nil }
        if !readonly, status.st_mode & 0o077 != 0 { closeToOthers(app) }
        let queue = try DatabaseQueue(path: app.ledger.string, configuration: configuration(readonly: readonly))
        let (isCurrent, isNewer, mode) = try queue.read { database -> (Bool, Bool, String?) in
            let migrator = LedgerSchema.migrator()
            // Another process may make the tables at this moment, and GRDB looks for them twice.
            guard try database.tableExists("grdb_migrations") else { return (false, false, nil) }
            return try (
                migrator.hasCompletedMigrations(database), migrator.hasBeenSuperseded(database),
                String.fetchOne(database, sql: "PRAGMA journal_mode")
            )
        }
        if isNewer { throw StoreError.newerLedger(path: app.ledger) }
        return isCurrent && mode == "wal" ? queue : nil
    }

    /// Who did what is for the app's own user; an older version left it for everybody to read.
    private static func closeToOthers(_ app: AppLayout) {
        for suffix in ["", "-wal", "-shm"] { chmod(app.ledger.string + suffix, 0o600) }
    }

    /// Makes the tables, one process at a time: SQLite alone does not order the switch to the write-ahead log. The lock
    /// has a file of its own, since closing any descriptor of a database drops the locks that SQLite has on it in this
    /// process (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    private static func prepare(_ app: AppLayout) throws -> DatabaseQueue {
        let path = app.root.appending("ledger.lock")
        guard let lock = try FileLock.acquire(path, wait: .seconds(10)) else { throw StoreError.locked(path: path) }
        defer { lock.release() }
        // With this mode from its first moment; SQLite gives the files beside it the same.
        if app.ledger.status(following: false) == nil { try DurableFile.write([], to: app.ledger, mode: 0o600) }
        let queue = try DatabaseQueue(path: app.ledger.string, configuration: configuration(readonly: false))
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
        try LedgerSchema.migrator().migrate(queue)
        let directory = try Directory(opening: app.root)
        try directory.sync()
        return queue
    }
}
