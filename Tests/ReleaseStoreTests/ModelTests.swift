import Foundation
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

/// G15: random interleavings of what changes an app's releases, against a model of a few lines. `PMO_SEED` repeats one.
@Suite(.timeLimit(.minutes(58)))
struct ModelTests {
    /// What the disk and the ledger must say; the newest release last.
    private struct Model {
        var releases: [(id: ReleaseID, deploy: Int, isServed: Bool, isBad: Bool)] = []
        var current: ReleaseID?
        var previous: ReleaseID?
        var spare: ReleaseID?
        var states: [Int: DeployState] = [:]

        mutating func point(at id: ReleaseID) {
            guard id != current else { return }
            if let current { previous = current }
            current = id
        }

        /// All that is older than the newest `keep` good ones, and is neither current nor previous; the oldest first.
        func candidates(keep: Int) -> [ReleaseID] {
            let kept = releases.filter { $0.isServed && !$0.isBad }.suffix(keep).map(\.id)
            return releases.map(\.id).filter { !kept.contains($0) && $0 != current && $0 != previous }
        }

        mutating func remove(_ id: ReleaseID) { releases.removeAll { $0.id == id } }
    }

    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            let mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
            return (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb ^ (mixed >> 31)
        }
    }

    @Test func `deploys, failed deploys, switches, rollbacks and prunes in any order do what the model says (G15)`()
        throws
    {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["PMO_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...99_999)
        let count = environment["PMO_SOAK"] == nil ? 400 : 10_000
        try withApp { (app) throws in
            var dice = Dice(state: seed)
            var model = Model()
            let ledger = try Ledger(app)
            for step in 1...count {
                let what = try change(&model, app, ledger, &dice)
                // All deploys are many in the end; what a step can have changed is among the newest.
                let isWhole = step.isMultiple(of: 400) || step == count
                guard try agrees(app, ledger, model, newest: isWhole ? 100_000 : 20) else {
                    Issue.record("seed \(seed), step \(step): after \(what) the disk is not what the model says")
                    return
                }
            }
        }
        print("G15: seed \(seed): \(count) changes, the disk as the model after each")
    }

    private func change(
        _ model: inout Model, _ app: AppLayout, _ ledger: Ledger, _ dice: inout Dice
    ) throws -> String {
        let store = ReleaseStore(app)
        switch Int.random(in: 0..<10, using: &dice) {
        case 0...3: return try deploy(&model, store, ledger, isGood: Int.random(in: 0..<4, using: &dice) > 0, &dice)
        case 4, 5:
            guard let chosen = model.releases.randomElement(using: &dice)?.id else { return "nothing" }
            try store.pointCurrent(at: chosen)
            model.point(at: chosen)
            return "switch to \(chosen.short)"
        case 6, 7:
            guard let previous = model.previous else { return "nothing" }
            try store.pointCurrent(at: previous)
            model.point(at: previous)
            return "rollback"
        case 8:
            guard let chosen = model.releases.indices.randomElement(using: &dice) else { return "nothing" }
            model.releases[chosen].isBad.toggle()
            let id = model.releases[chosen].id
            if model.releases[chosen].isBad { try store.markBad(id, reason: "odd") } else { try store.unmarkBad(id) }
            return "mark \(id.short)"
        default:
            let keep = Int.random(in: 1...4, using: &dice)
            let unneeded = try store.pruneCandidates(keep: keep)
            #expect(unneeded == model.candidates(keep: keep))
            for id in unneeded.dropLast() { try store.remove(id) }
            if let last = unneeded.last {
                try store.setAside(last)
                model.spare = last
            }
            unneeded.forEach { model.remove($0) }
            return "prune, keeping \(keep)"
        }
    }

    private func deploy(
        _ model: inout Model, _ store: ReleaseStore, _ ledger: Ledger, isGood: Bool, _ dice: inout Dice
    ) throws -> String {
        let id = try store.nextID(for: commit(try #require("abcde".randomElement(using: &dice))))
        #expect(!model.releases.contains { $0.id == id })
        let deploy = try ledger.record(someDeploy()).number
        // The spare becomes the partial, or goes since it has no index; either way it is none any more.
        _ = try store.recycleSpare(deploy: deploy)
        model.spare = nil
        _ = try store.make(id, deploy: deploy)
        if isGood {
            try store.markServed(id)
            try store.pointCurrent(at: id)
            model.releases.append((id, deploy, true, false))
            model.point(at: id)
        } else {
            try store.remove(id)
        }
        let state: DeployState = isGood ? .live : .failed
        try ledger.update(deploy) { $0.state = state }
        model.states[deploy] = state
        return "deploy \(deploy) of \(id.short), \(state)"
    }

    /// - Parameter newest: as many deploys of the ledger are looked at.
    private func agrees(_ app: AppLayout, _ ledger: Ledger, _ model: Model, newest: Int) throws -> Bool {
        let store = ReleaseStore(app)
        let states = try Dictionary(uniqueKeysWithValues: ledger.deploys(limit: newest).map { ($0.number, $0.state) })
        let hidden = try names(in: app.releases).filter { $0.hasPrefix(".") }
        return try store.current() == model.current && store.previous() == model.previous
            && store.newestFirst() == model.releases.reversed().map(\.id)
            && model.releases.allSatisfy { store.served($0.id) == $0.isServed && (store.bad($0.id) != nil) == $0.isBad }
            && hidden == (model.spare == nil ? [] : [".spare"])
            && states == model.states.filter { $0.key > model.states.count - newest }
            && !names(in: app.root).contains { $0.hasSuffix(".tmp") }
    }
}
