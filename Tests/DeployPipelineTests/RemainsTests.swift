import Testing

@testable import DeployPipeline

/// Recovery's decisions over every state that the disk and the ledger can be in (F01–F14).
@Suite("What is left of a deploy")
struct RemainsTests {
    private static let all: [Remains] = [true, false].flatMap { alive in
        Remains.Row.allCases.flatMap { row in
            Remains.Intent.allCases.flatMap { intent in
                [true, false].flatMap { partial in
                    Remains.Made.allCases.map {
                        Remains(isAlive: alive, row: row, intent: intent, hasPartial: partial, made: $0)
                    }
                }
            }
        }
    }

    /// What the disk is after an action; the candidate answers as it is told to.
    private func apply(_ action: RecoveryAction, to old: Remains, healthy: Bool) -> Remains {
        var new = old
        switch action {
        case .removePartial: new.hasPartial = false
        // From the intent the row stands as running; from the release it stands as the release is marked.
        case .restoreRow: new.row = old.intent == .early || old.intent == .switching ? .open : .live
        case .probe: new.candidate = healthy ? .healthy : .unhealthy
        case .goForward: new.made = .live
        case .removeRelease: new.made = .nothing
        case .recordLive: new.row = .live
        case .recordFailed: new.row = .ended
        case .forget: new.intent = .none
        }
        return new
    }

    private func end(of state: Remains, healthy: Bool) -> (end: Remains, actions: [RecoveryAction]) {
        var state = state
        var actions: [RecoveryAction] = []
        while let action = state.next, actions.count < 10 {
            actions.append(action)
            state = apply(action, to: state, healthy: healthy)
        }
        return (state, actions)
    }

    @Test("Each of them comes to an end, and then there is nothing more to do", arguments: [true, false])
    func ends(healthy: Bool) {
        #expect(Self.all.count == 2 * 5 * 4 * 2 * 3)
        for state in Self.all {
            let (end, actions) = end(of: state, healthy: healthy)
            #expect(end.next == nil, "\(state): \(actions)")
            #expect(Set(actions).count == actions.count, "an action twice: \(state): \(actions)")
        }
    }

    @Test("What a running process works on is left alone")
    func leavesTheLiving() {
        for state in Self.all where state.isAlive { #expect(state.next == nil, "\(state)") }
    }

    @Test("I1, I2: the live release is never removed, and only a healthy candidate of a begun switch becomes live")
    func keepsWhatServes() {
        for state in Self.all {
            for healthy in [true, false] {
                let (_, actions) = end(of: state, healthy: healthy)
                if state.made == .live { #expect(!actions.contains(.removeRelease), "\(state)") }
                guard actions.contains(.goForward) else { continue }
                #expect(healthy && state.intent == .switching && state.made == .complete, "\(state)")
                #expect(state.row != .live && state.row != .ended, "its end was told already: \(state)")
            }
        }
    }

    @Test("I5, I7: nothing half made stays, and the row says what the disk says", arguments: [true, false])
    func agrees(healthy: Bool) {
        for state in Self.all where !state.isAlive {
            let (end, _) = end(of: state, healthy: healthy)
            #expect(!end.hasPartial, "\(state)")
            #expect(end.made != .complete || end.row == .live, "a release that never served stays: \(state)")
            guard end.row != .unreadable else { continue }
            #expect(end.intent == .none, "\(state)")
            #expect(end.row != .open, "\(state)")
            if end.made == .live { #expect(end.row == .live, "\(state)") }
        }
    }

    @Test("What an unusable ledger is to be told is kept for later")
    func keepsIntents() {
        for state in Self.all where state.row == .unreadable && !state.isAlive {
            #expect(end(of: state, healthy: true).end.intent == state.intent, "\(state)")
        }
    }

    @Test(
        "The table of the faults",
        arguments: [
            (
                "F03, F04: in export or build",
                Remains(isAlive: false, row: .open, intent: .early, hasPartial: true, made: .nothing),
                [RecoveryAction.removePartial, .recordFailed, .forget]
            ),
            (
                "F05, F08: complete, before the switch",
                Remains(isAlive: false, row: .open, intent: .early, hasPartial: false, made: .complete),
                [.removeRelease, .recordFailed, .forget]
            ),
            (
                "F09: between intent and rename",
                Remains(isAlive: false, row: .open, intent: .switching, hasPartial: false, made: .complete),
                [.probe, .goForward, .recordLive, .forget]
            ),
            (
                "F10: after the rename",
                Remains(isAlive: false, row: .open, intent: .switching, hasPartial: false, made: .live),
                [.recordLive, .forget]
            ),
            (
                "F13, F40: after the rename, and the ledger is lost",
                Remains(isAlive: false, row: .missing, intent: .switching, hasPartial: false, made: .live),
                [.restoreRow, .recordLive, .forget]
            ),
            (
                "F02: recorded, and its process never came to be",
                Remains(isAlive: false, row: .open, intent: .none, hasPartial: false, made: .nothing),
                [.recordFailed]
            ),
        ])
    func followsTheTable(_ name: String, _ state: Remains, _ actions: [RecoveryAction]) {
        #expect(end(of: state, healthy: true).actions == actions, "\(name)")
    }

    @Test("F09: an unhealthy candidate goes back")
    func goesBack() {
        let state = Remains(isAlive: false, row: .open, intent: .switching, hasPartial: false, made: .complete)
        #expect(end(of: state, healthy: false).actions == [.probe, .removeRelease, .recordFailed, .forget])
    }
}
