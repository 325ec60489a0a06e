import GRDB
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

struct LedgerSafetyTests {
    @Test func `processes and connections that record at once get numbers of their own, without a gap (F36)`()
        async throws
    {
        try await withApp { (app) async throws in
            let children = try (0..<2).map { _ in try ChildProcess(.record, in: app.host.home, count: 40) }
            let numbers = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<4 {
                    group.addTask { try (0..<25).map { _ in try Ledger(app).record(someDeploy()).number } }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            for child in children { #expect(child.wait() == 0, "\(child.complaint)") }
            #expect(Set(numbers).count == 100)
            let all = try Ledger(app).deploys(limit: 1000).map(\.number)
            #expect(all == Array((1...180).reversed()))
        }
    }

    @Test func `changes of one deploy at once are all kept`() async throws {
        try await withApp { (app) async throws in
            _ = try Ledger(app).record(someDeploy())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask { try Ledger(app).update(1) { $0.files = ($0.files ?? 0) + 1 } }
                }
                try await group.waitForAll()
            }
            #expect(try Ledger(app).deploy(1)?.files == 20)
        }
    }

    @Test func `a write is on the disk when it returns: write-ahead log, full synchronisation`() throws {
        try withApp { (app) throws in
            for _ in 1...2 {
                let ledger = try Ledger(app)
                #expect(try ledger.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
                #expect(try ledger.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
                #expect(try ledger.read { try Int.fetchOne($0, sql: "PRAGMA busy_timeout") } == 60_000)
            }
        }
    }

    @Test func `a ledger of a newer version is refused and left alone`() throws {
        try withApp { (app) throws in
            _ = try Ledger(app).record(someDeploy())
            let queue = try DatabaseQueue(path: app.ledger.string)
            var newer = LedgerSchema.migrator()
            newer.registerMigration("999 tomorrow") { try $0.execute(sql: "ALTER TABLE deploys ADD COLUMN mood TEXT") }
            try newer.migrate(queue)
            try queue.close()
            #expect(throws: StoreError.newerLedger(path: app.ledger)) { try Ledger(app) }
            #expect(throws: StoreError.newerLedger(path: app.ledger)) { try Ledger(readingOnly: app) }
        }
    }

    @Test func `a file that is no database is an error with the way out`() throws {
        try withApp { (app) throws in
            try write(String(repeating: "garbage ", count: 1000), to: app.ledger)
            let error = #expect(throws: StoreError.self) { try Ledger(app) }
            #expect(error?.description.hasSuffix("file is not a database (SQLite 26)") == true)
            #expect(error?.hint == "pmo-release resume pmo" && error?.isDamagedLedger == true)
            let aside = try ReleaseStore(app).setLedgerAside()
            #expect(try names(in: aside) == ["ledger.sqlite"])
            #expect(try Ledger(app).record(someDeploy()).number == 1)
        }
    }

    @Test func `a lost ledger is rebuilt from the releases, and its numbers go on (F40)`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let served = try store.make(ReleaseID(commit: commit("a")), deploy: 4, served: true)
            let failed = try store.make(ReleaseID(commit: commit("b")), deploy: 6)
            try store.markBad(failed, reason: "health check failed")
            try write("", to: app.deployLog(9))
            let ledger = try Ledger(app)
            #expect(try ledger.record(someDeploy()).number == 10)
            #expect(try ledger.rebuild(from: store) == 2)
            #expect(try ledger.rebuild(from: store) == 0)
            #expect(try ledger.deploy(4)?.release == served)
            #expect(try ledger.deploy(4)?.state == .live)
            #expect(try ledger.deploy(6)?.reason == "health check failed")
            #expect(try ledger.record(someDeploy()).number == 11)
        }
    }

    @Test func `the numbers of failed deploys, which have left a log alone, are not given again (F40)`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            _ = try store.make(ReleaseID(commit: commit("a")), deploy: 4, served: true)
            try write("", to: app.deployLog(6))
            let ledger = try Ledger(app)
            #expect(try ledger.rebuild(from: store) == 1)
            #expect(try ledger.record(someDeploy()).number == 7)
        }
    }

    @Test func `a value that no version knows is an error that names it`() throws {
        try withApp { (app) throws in
            let ledger = try Ledger(app)
            _ = try ledger.record(someDeploy())
            try ledger.write { try $0.execute(sql: "UPDATE deploys SET state = 'sideways'") }
            let error = #expect(throws: StoreError.self) { try ledger.deploy(1) }
            #expect(error?.description.contains("state “sideways”") == true)
        }
    }
}
