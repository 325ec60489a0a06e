import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

struct LedgerTests {
    @Test func `a deploy comes back as it was recorded and changed`() throws {
        try withApp { (app) throws in
            let ledger = try Ledger(app)
            var wanted = try someDeploy(origin: "push-1")
            wanted.options = ["no-cache", "a\"b\n"]
            wanted.subject = "raw \u{1b}[31m “ü”\nsecond line"
            let recorded = try ledger.record(wanted)
            wanted.number = 1
            #expect(recorded == wanted)
            #expect(try ledger.deploy(1) == wanted)
            wanted.state = .live
            wanted.phase = .switch
            wanted.release = ReleaseID(commit: wanted.commit, build: 3)
            wanted.process = .current()
            (wanted.started, wanted.finished, wanted.files, wanted.bytes) = (2.5, 3.25, 809, 14_200_000)
            wanted.reason = "because"
            #expect(try ledger.update(1) { $0 = wanted } == wanted)
            #expect(try Ledger(readingOnly: app).deploy(1) == wanted)
            #expect(try ledger.deploy(2) == nil)
            #expect(throws: StoreError.unknownDeploy(app.name, number: 2)) { try ledger.update(2) { _ in } }
        }
    }

    @Test func `deploys are found by state, push and commit`() throws {
        try withApp { (app) throws in
            let ledger = try Ledger(app)
            for (digit, origin) in [("a", "p1"), ("b", "p1"), ("a", ""), ("c", "p2")] {
                _ = try ledger.record(someDeploy(Character(digit), origin: origin))
            }
            try ledger.update(1) { $0.state = .live }
            try ledger.update(2) { $0.state = .running }
            #expect(try ledger.running().map(\.number) == [2, 3, 4])
            #expect(try ledger.queued(after: 2).map(\.number) == [4, 3])
            #expect(try ledger.queued(after: 4).isEmpty)
            #expect(try ledger.deploys(origin: "p1").map(\.number) == [1, 2])
            #expect(try ledger.deploys(origin: "").isEmpty)
            #expect(try ledger.deploys(limit: 2).map(\.number) == [4, 3])
            #expect(try ledger.deploy(commit: commit("a"), states: [.live, .running])?.number == 1)
            #expect(try ledger.deploy(commit: commit("a"), states: [.live, .queued])?.number == 3)
            #expect(try ledger.deploy(commit: commit("d"), states: [.live]) == nil)
            #expect(try ledger.deploy(commit: commit("a"), states: []) == nil)
        }
    }

    @Test func `phases are kept in the order in which they began, one begun again twice (F11)`() throws {
        try withApp { (app) throws in
            let ledger = try Ledger(app)
            _ = try ledger.record(someDeploy())
            try ledger.begin(.export, of: 1, at: 1)
            #expect(try ledger.deploy(1)?.phase == .export)
            try ledger.end(.export, of: 1, at: 2, detail: "809 files")
            try ledger.begin(.retire, of: 1, at: 3)
            try ledger.begin(.retire, of: 1, at: 4)
            try ledger.end(.retire, of: 1, at: 5)
            let wanted = [
                PhaseRecord(phase: .export, started: 1, finished: 2, detail: "809 files"),
                PhaseRecord(phase: .retire, started: 3), PhaseRecord(phase: .retire, started: 4, finished: 5),
            ]
            #expect(try ledger.phases(of: 1) == wanted)
            #expect(throws: StoreError.unknownDeploy(app.name, number: 9)) { try ledger.begin(.export, of: 9, at: 1) }
        }
    }

    @Test func `events come newest first`() throws {
        try withApp { (app) throws in
            let ledger = try Ledger(app)
            let events = (1...3).map {
                LedgerEvent(time: Double($0), who: "bob", verb: "switch", detail: "ü", deploy: $0)
            }
            for event in events { try ledger.record(event) }
            #expect(try ledger.events(limit: 2) == [events[2], events[1]])
        }
    }

    @Test func `reading a ledger that was never made finds nothing and makes nothing`() throws {
        try withApp { (app) throws in
            let ledger = try Ledger(readingOnly: app)
            #expect(try ledger.deploys(limit: 10).isEmpty)
            #expect(!exists(app.ledger))
        }
    }

    @Test func `a thousand deploys are read in a moment`() throws {
        try withApp { (app) throws in
            let ledger = try Ledger(app)
            try ledger.write { database in
                for number in 1...1000 {
                    var deploy = try someDeploy()
                    (deploy.number, deploy.process) = (number, .current())
                    try Ledger.insert(deploy, database)
                }
            }
            let begin = ContinuousClock.now
            let deploys = try Ledger(readingOnly: app).deploys(limit: 1000)
            let time = ContinuousClock.now - begin
            #expect(deploys.count == 1000)
            #expect(time < .milliseconds(500), "a debug build on a busy machine; a release build takes a tenth")
        }
    }
}
