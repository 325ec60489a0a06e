import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct PruneTests {
    @Test func `the newest good releases stay, and what is in use`() throws {
        let ids = try "fedcba987".map { ReleaseID(commit: try commit($0)) }
        let good = Set(ids[1...7])
        let removed = ReleaseStore.pruneCandidates(among: ids, keep: 3, good: good, inUse: [ids[6]])
        #expect(removed == [ids[8], ids[7], ids[5], ids[4], ids[0]])
        #expect(ReleaseStore.pruneCandidates(among: [], keep: 3, good: [], inUse: []).isEmpty)
    }

    @Test func `over many states: never one in use, never too few good ones, nothing needless`() throws {
        var random = SplitMix(state: 7)
        for _ in 0..<5_000 {
            let ids = try (0..<Int.random(in: 0...12, using: &random)).map { number in
                ReleaseID(
                    commit: try commit(Character(String(number, radix: 16))),
                    build: Int.random(in: 1...3, using: &random))
            }
            let good = Set(ids.filter { _ in Bool.random(using: &random) })
            let inUse = Set(ids.filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
            let keep = Int.random(in: 1...6, using: &random)
            let removed = ReleaseStore.pruneCandidates(among: ids, keep: keep, good: good, inUse: inUse)
            let left = Set(ids).subtracting(removed)
            #expect(inUse.isSubset(of: left))
            #expect(left.intersection(good).count >= min(keep, good.count))
            #expect(left.count <= keep + inUse.count)
            for id in left where !inUse.contains(id) {
                #expect(good.contains(id))
                #expect(ids.prefix { $0 != id }.filter(good.contains).count < keep)
            }
            #expect(removed == ids.reversed().filter { !left.contains($0) }, "the oldest first")
        }
    }

    @Test func `logs of old deploys go, but not those of a release or of the newest hundred`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            for number in 1...(ReleaseStore.keptLogs + 4) {
                for path in [app.deployLog(number), app.deployEvents(number)] { try write("-", to: path) }
            }
            _ = try store.make(ReleaseID(commit: try commit("a")), deploy: 2, served: true)
            let old = try store.oldLogs(beside: store.look(nil))
            #expect(old == [1, 3, 4])
            for number in old { try store.removeLogs(of: number) }
            #expect(try store.oldLogs(beside: store.look(Ledger(app))).isEmpty)
            for number in [1, 2, 3, 4, 5] {
                for path in [app.deployLog(number), app.deployEvents(number)] {
                    #expect(exists(path) == !old.contains(number), "\(path)")
                }
            }
        }
    }

    @Test func `on disk, links and slots protect, and bad releases do not count`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let ids = try "abcdef".enumerated().map {
                try store.make(ReleaseID(commit: commit($1)), deploy: $0 + 1, served: true)
            }
            let service = Service(name: try ServiceName("api"), command: "true")
            _ = try SlotStore(app).ensure(service)
            try SlotStore(app).occupy(try #require(SlotNumber(1)), by: ids[1], service: service.name)
            try store.markBad(ids[5], reason: "answered 500")
            try store.pointCurrent(at: ids[2])
            try store.pointCurrent(at: ids[0])
            #expect(try store.pruneCandidates(keep: 1) == [ids[3], ids[5]])
            #expect(try store.pruneCandidates(keep: 2, inUse: [ids[5]]) == [])
            for id in ids[0...2] {
                let error = #expect(throws: StoreError.self) { try store.remove(id) }
                #expect(error?.outcome == .refused)
            }
            try store.remove(ids[3])
            #expect(try store.releases().count == 5)
            #expect(throws: StoreError.missingRelease(app.name, ids[3])) { try store.remove(ids[3]) }
            #expect(try names(in: app.releases).filter { $0.hasPrefix(".") }.isEmpty)
        }
    }

    @Test func `nothing is removed while current is odd (F40)`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let id = try store.make(ReleaseID(commit: commit("a")), deploy: 1)
            try DurableFile.link(at: app.current, to: "elsewhere")
            #expect(throws: StoreError.self) { try store.remove(id) }
            #expect(try store.releases() == [id])
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
