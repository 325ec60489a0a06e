import HostControl
import ReleaseModel
import Testing

@testable import DeployPipeline

@Suite("HealthGate decides by what it sees")
struct HealthGateTests {
    enum Seen: Sendable {
        case answer(Int, String = "")
        case refusal(String)
        case process(Int32?)
        case told(Int32?, ends: Int, ProcessEnd?)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var check = HealthCheck(path: "/")
        var seen: [Seen]
        var verdicts: [HealthGate.Verdict]
        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "two passes in a row are healthy", seen: [.answer(200), .answer(200)], verdicts: [.wait, .healthy]),
        Case(
            name: "one pass is enough where one is asked for", check: passes(1), seen: [.answer(204)],
            verdicts: [.healthy]),
        Case(
            name: "F27: 200 then 500 begins anew", seen: [.answer(200), .answer(500), .answer(200), .answer(200)],
            verdicts: [.wait, .wait, .wait, .healthy]),
        Case(
            name: "a refusal in between begins anew",
            seen: [.answer(200), .refusal("does not listen"), .answer(200), .answer(200)],
            verdicts: [.wait, .wait, .wait, .healthy]),
        Case(
            name: "399 passes and 400 does not", check: passes(1), seen: [.answer(400), .answer(199), .answer(399)],
            verdicts: [.wait, .wait, .healthy]),
        Case(
            name: "the manifest's own statuses count", check: HealthCheck(path: "/", status: 401...404, passes: 1),
            seen: [.answer(200), .answer(405), .answer(401)], verdicts: [.wait, .wait, .healthy]),
        Case(
            name: "an error text with status 200 does not pass",
            check: HealthCheck(path: "/", expect: #""status":"ok""#, passes: 1),
            seen: [.answer(200, #"{"status":"down"}"#), .answer(200), .answer(200, #"{"status":"ok"}"#)],
            verdicts: [.wait, .wait, .healthy]),
        Case(
            name: "an expected text under a wrong status does not pass",
            check: HealthCheck(path: "/", expect: "ok", passes: 1), seen: [.answer(500, "ok")], verdicts: [.wait]),
        Case(
            name: "a process that comes and stays has not ended", seen: [.process(nil), .process(7), .process(7)],
            verdicts: [.wait, .wait, .wait]),
        Case(
            name: "F28: a process that changes three times has ended three times",
            seen: [.process(1), .process(2), .process(3), .process(4)],
            verdicts: [.wait, .wait, .wait, .failed("ended 3 times")]),
        Case(
            name: "F28: gone and come back is one end, not two",
            seen: [.process(1), .process(nil), .process(nil), .process(2), .process(nil), .process(3), .process(nil)],
            verdicts: [.wait, .wait, .wait, .wait, .wait, .wait, .failed("ended 3 times")]),
        Case(
            name: "F28: a process that is never seen, since it ends at once, is in the supervisor's count",
            seen: [.process(nil), .told(nil, ends: 1, .exited(2)), .told(nil, ends: 3, .exited(2))],
            verdicts: [.wait, .wait, .failed("ended 3 times, last with status 2")]),
        Case(
            name: "F28: what is counted before the process is seen to be gone is one end",
            seen: [
                .told(nil, ends: 1, .killed(11)), .told(7, ends: 1, nil), .told(7, ends: 2, .killed(11)),
                .told(nil, ends: 2, .killed(11)), .told(8, ends: 2, nil), .told(nil, ends: 3, .killed(11)),
            ],
            verdicts: [.wait, .wait, .wait, .wait, .wait, .failed("ended 3 times, last with signal 11")]),
        Case(
            name: "what ended before the check began, of one that was carried over, is not the candidate's",
            seen: [.told(7, ends: 9, .exited(1)), .answer(200), .told(7, ends: 9, .exited(1)), .answer(200)],
            verdicts: [.wait, .wait, .wait, .healthy]),
        Case(
            name: "F28: what ends of one that was carried over is",
            seen: [
                .told(7, ends: 9, nil), .told(nil, ends: 10, .exited(1)), .told(nil, ends: 11, .exited(1)),
                .told(nil, ends: 12, .exited(2)),
            ],
            verdicts: [.wait, .wait, .wait, .failed("ended 3 times, last with status 2")]),
        Case(
            name: "F28: a pass of a process that the supervisor counts as ended does not count",
            seen: [.answer(200), .told(nil, ends: 1, .exited(0)), .answer(200), .answer(200)],
            verdicts: [.wait, .wait, .wait, .healthy]),
        Case(
            name: "F28: a pass of a process that ended does not count",
            seen: [.process(1), .answer(200), .process(2), .answer(200), .answer(200)],
            verdicts: [.wait, .wait, .wait, .wait, .healthy]),
    ]

    private static func passes(_ count: Int) -> HealthCheck { HealthCheck(path: "/", passes: count) }

    @Test("Verdicts follow from what was seen", arguments: cases)
    func verdicts(_ one: Case) {
        var gate = HealthGate(check: one.check)
        let verdicts = one.seen.map { seen in
            switch seen {
            case .answer(let status, let body): gate.saw(status: status, body: body)
            case .refusal(let problem): gate.saw(refusal: problem)
            case .process(let process):
                gate.saw(InstanceStatus(state: process == nil ? .down : .up, pid: process))
            case .told(let process, let ends, let last):
                gate.saw(
                    InstanceStatus(state: process == nil ? .down : .up, pid: process, ends: ends, lastEnd: last))
            }
        }
        #expect(verdicts == one.verdicts)
    }

    @Test("Passes are counted to the number that is asked for", arguments: 1...20)
    func passesAskedFor(_ count: Int) {
        var gate = HealthGate(check: Self.passes(count))
        for _ in 1..<count { #expect(gate.saw(status: 200, body: "") == .wait) }
        #expect(gate.saw(status: 200, body: "") == .healthy)
    }

    @Test("When the time is up, the last problem is told")
    func expired() {
        var gate = HealthGate(check: HealthCheck(path: "/", expect: "ok\u{1b}"))
        #expect(gate.expired == "did not answer (for 30s)")
        _ = gate.saw(refusal: "does not listen")
        #expect(gate.expired == "does not listen (for 30s)")
        _ = gate.saw(status: 500, body: "Oops")
        #expect(gate.expired == "answered 500 (for 30s)")
        #expect(gate.lastAnswer == "Oops")
        _ = gate.saw(status: 200, body: "bad")
        #expect(gate.expired == #"answered 200 without “ok\x1b” (for 30s)"#)
    }

    @Test("F28: When the time is up, it is told how often it has ended")
    func expiredAfterEnds() {
        var gate = HealthGate(check: HealthCheck(path: "/"))
        _ = gate.saw(refusal: "does not listen")
        #expect(gate.expired(worker: .seconds(2)) == "did not stay up for 2.0 s")
        _ = gate.saw(InstanceStatus(state: .down, ends: 1, lastEnd: .exited(0)))
        #expect(gate.expired == "does not listen (for 30s; ended with status 0)")
        #expect(gate.expired(worker: .seconds(2)) == "did not stay up for 2.0 s; ended with status 0")
        _ = gate.saw(InstanceStatus(state: .down, ends: 2, lastEnd: .killed(9)))
        #expect(gate.expired == "does not listen (for 30s; ended 2 times, last with signal 9)")
    }
}
