import HostControl
import ReleaseModel

/// Decides from one observation after another whether a candidate is healthy; pure, so that every order of events
/// can be tested.
struct HealthGate {
    enum Verdict: Equatable {
        case wait
        case healthy
        case failed(String)
    }

    /// How often an instance may end before the gate gives up early.
    static let exitsAllowed = 3

    let check: HealthCheck
    private(set) var passesInARow = 0
    private(set) var exits = 0
    private var lastProcess: Int32?
    private(set) var lastProblem = "did not answer"
    private(set) var lastAnswer: String?

    init(check: HealthCheck) { self.check = check }

    /// Notes which process the supervisor runs now. One that changed or is gone has ended.
    mutating func saw(process: Int32?) -> Verdict {
        defer { if let process { lastProcess = process } }
        guard let last = lastProcess, process != last else { return .wait }
        if process == nil { lastProcess = nil }
        exits += 1
        passesInARow = 0
        return exits >= Self.exitsAllowed ? .failed("ended \(exits) times") : .wait
    }

    /// Notes an answer.
    mutating func saw(status: Int, body: String) -> Verdict {
        lastAnswer = body
        guard (check.lowestStatus...check.highestStatus).contains(status) else {
            return noted("answered \(status)")
        }
        if let expected = check.expect, !body.contains(expected) {
            return noted("answered \(status) without “\(expected.shown(limit: 60))”")
        }
        passesInARow += 1
        return passesInARow >= check.passes ? .healthy : .wait
    }

    /// Notes that there was no answer.
    mutating func saw(refusal: String) -> Verdict { noted(refusal) }

    private mutating func noted(_ problem: String) -> Verdict {
        passesInARow = 0
        lastProblem = problem
        return .wait
    }

    /// The verdict when the time is up.
    var expired: String { "\(lastProblem) (for \(check.within))" }
}
