/// What is left of a deploy that may have been cut short, as the disk and the ledger tell it; and what is to be done next
/// about it. A pure decision: the same remains always have the same next action, and what each action leaves has a next
/// one, until nothing is left to do.
struct Remains: Hashable, Sendable {
    /// The deploy's row in the ledger.
    enum Row: CaseIterable {
        /// The ledger cannot be used: the disk alone decides, and what it is to be told is kept for later.
        case unreadable
        case missing
        /// Queued or running.
        case open
        /// It went live, whether or not it was taken back since.
        case live
        /// Failed or superseded.
        case ended
    }

    /// The deploy's intent (`DeployIntent`).
    enum Intent: CaseIterable {
        case none
        /// A power cut has left no more than its name.
        case lost
        /// In a phase before the switch.
        case early
        /// In the switch: everything before it has passed.
        case switching
    }

    /// The release that the deploy makes.
    enum Made: CaseIterable {
        /// None, or one whose time has passed.
        case nothing
        /// Whole, under its final name, and never live.
        case complete
        /// `current` leads to it.
        case live
    }

    /// What asking the candidate has shown.
    enum Candidate: CaseIterable { case unknown, healthy, unhealthy }

    /// Whether its process runs.
    var isAlive: Bool
    var row: Row
    var intent: Intent
    var hasPartial: Bool
    var made: Made
    var candidate: Candidate = .unknown

    /// What is to be done next; nil where nothing is.
    var next: RecoveryAction? {
        if isAlive { return nil }
        if hasPartial { return .removePartial }
        switch made {
        case .live where row == .missing: return .restoreRow
        case .live where row == .open || row == .ended: return .recordLive
        case .complete where row != .live: return isReady ? forward : .removeRelease
        case .live, .complete, .nothing: return nextOfRecord
        }
    }

    /// All that comes before the switch has passed, and its end was not told.
    private var isReady: Bool { intent == .switching && row != .ended }

    private var forward: RecoveryAction {
        switch candidate {
        case .unknown: .probe
        case .healthy: .goForward
        case .unhealthy: .removeRelease
        }
    }

    private var nextOfRecord: RecoveryAction? {
        switch row {
        case .unreadable: nil
        case .missing where intent == .early || intent == .switching: .restoreRow
        case .open: .recordFailed
        case .missing, .live, .ended: intent == .none ? nil : .forget
        }
    }
}

/// What recovery does about a deploy that was cut short.
enum RecoveryAction: Hashable, Sendable {
    /// Ends what its build has left running and removes the partial.
    case removePartial
    /// Writes the deploy's row again, which the ledger has lost.
    case restoreRow
    /// Asks the candidate whether it is healthy.
    case probe
    /// Makes the release live, since all before the switch has passed.
    case goForward
    /// Stops the candidate, removes the release and gives nginx the live release's site back.
    case removeRelease
    /// Finishes what follows the switch, and records the deploy as live.
    case recordLive
    /// Records the deploy as failed, with the phase in which it was cut short.
    case recordFailed
    /// Removes the intent: the end is recorded.
    case forget
}
