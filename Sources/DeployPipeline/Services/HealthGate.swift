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
    private var endsSeen = 0
    /// The supervisor's count at the first look: of one that runs already, those before are not the candidate's.
    private var endsBefore: Int?
    private var lastEnd: ProcessEnd?
    private(set) var lastProblem = "did not answer"
    private(set) var lastAnswer: String?

    init(check: HealthCheck) { self.check = check }

    /// Notes what the supervisor says. A process that changed or is gone has ended; one that is too short-lived to be seen
    /// is in the supervisor's own count.
    mutating func saw(_ status: InstanceStatus) -> Verdict {
        defer { if let process = status.pid { lastProcess = process } }
        if let last = lastProcess, status.pid != last {
            if status.pid == nil { lastProcess = nil }
            endsSeen += 1
        }
        let before = endsBefore ?? (status.pid == nil ? 0 : status.ends)
        endsBefore = before
        // Not their sum: the process and the count are not read in one moment.
        let ends = max(endsSeen, status.ends - before)
        guard ends > exits else { return .wait }
        lastEnd = status.lastEnd ?? lastEnd
        exits = ends
        passesInARow = 0
        return exits >= Self.exitsAllowed ? .failed(endings ?? "ended") : .wait
    }

    /// How often it has ended, and how the last time; nil where it has not.
    private var endings: String? { ProcessEnd.told(exits, last: lastEnd) }

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
    var expired: String { "\(lastProblem) (for \(check.within)\(endings.map { "; \($0)" } ?? ""))" }

    /// The verdict when a worker's time is up.
    func expired(worker time: Duration) -> String {
        "did not stay up for \(time.shown)\(endings.map { "; \($0)" } ?? "")"
    }
}
