import Foundation
import Glibc
import ReleaseModel
import ReleaseStore
import Synchronization
import SystemPackage
import Testing

struct SwitchTests {
    @Test func `a switch points current at the release and previous at the one before`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            #expect(try store.current() == nil)
            #expect(try store.previous() == nil)
            let ids = try "abc".enumerated().map { try store.make(ReleaseID(commit: commit($1)), deploy: $0 + 1) }
            #expect(try store.pointCurrent(at: ids[0]) > .zero)
            #expect(try store.previous() == nil)
            try store.pointCurrent(at: ids[1])
            try store.pointCurrent(at: ids[2])
            #expect(try store.current() == ids[2])
            #expect(try store.previous() == ids[1])
            #expect(try linkTarget(of: app.current) == "releases/\(ids[2])")
            #expect(try text(of: app.current.appending("index.html")) == "release \(ids[2])")
            #expect(try names(in: app.root).filter { $0.hasSuffix(".tmp") }.isEmpty)
        }
    }

    @Test func `a switch to the live release changes nothing`() throws {
        try withTwo { (store, old, new) throws in
            #expect(try store.pointCurrent(at: new) == .zero)
            #expect(try store.previous() == old)
        }
    }

    @Test func `a rollback exchanges the two links`() throws {
        try withTwo { (store, old, new) throws in
            #expect(try store.pointCurrent(at: old) > .zero)
            #expect(try store.current() == old)
            #expect(try store.previous() == new)
        }
    }

    @Test func `a release that is not there cannot be made live`() throws {
        try withTwo { (store, _, new) throws in
            let gone = ReleaseID(commit: try commit("e"))
            #expect(throws: StoreError.missingRelease(store.app.name, gone)) { try store.pointCurrent(at: gone) }
            #expect(try store.current() == new)
        }
    }

    @Test func `a switch that was cut short after previous is done again (F09)`() throws {
        try withTwo { (store, old, new) throws in
            let next = try store.make(ReleaseID(commit: commit("c")), deploy: 3)
            try DurableFile.link(at: store.app.previous, to: "releases/\(new)")
            #expect(try store.current() == new)
            try store.pointCurrent(at: next)
            #expect(try store.current() == next)
            #expect(try store.previous() == new)
            #expect(try store.pruneCandidates(keep: 1) == [old])
        }
    }

    @Test func `a previous that dangles is mended by the next switch`() throws {
        try withTwo { (store, old, new) throws in
            try DurableFile.link(at: store.app.previous, to: "releases/gone")
            #expect(throws: StoreError.self) { try store.previous() }
            try store.pointCurrent(at: old)
            #expect(try store.previous() == new)
        }
    }

    @Test func `whoever looks while it is switched finds one release or the other`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let ids = try "abc".enumerated().map { try store.make(ReleaseID(commit: commit($1)), deploy: $0 + 1) }
            try store.pointCurrent(at: ids[0])
            let reader = Reader(path: app.current.appending("index.html").string)
            for number in 1...100 { try store.pointCurrent(at: ids[(number * number) % 3]) }
            let (looks, misses) = reader.end()
            #expect(looks > 0 && misses == 0)
        }
    }

    /// Two releases; the second is live.
    private func withTwo(_ body: (ReleaseStore, ReleaseID, ReleaseID) throws -> Void) throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let old = try store.make(ReleaseID(commit: commit("a")), deploy: 1, served: true)
            let new = try store.make(ReleaseID(commit: commit("b")), deploy: 2, served: true)
            try store.pointCurrent(at: old)
            try store.pointCurrent(at: new)
            try body(store, old, new)
        }
    }
}

/// Opens a file again and again, on a thread of its own.
private final class Reader: Sendable {
    private let state = Mutex((looks: 0, misses: 0, ended: false))

    init(path: String) {
        Thread.detachNewThread {
            while !self.state.withLock(\.ended) {
                let descriptor = open(path, O_RDONLY | O_CLOEXEC)
                self.state.withLock { state in
                    state.looks += 1
                    state.misses += descriptor < 0 ? 1 : 0
                }
                if descriptor >= 0 { close(descriptor) }
            }
        }
    }

    func end() -> (looks: Int, misses: Int) {
        state.withLock { state in
            state.ended = true
            return (state.looks, state.misses)
        }
    }
}
