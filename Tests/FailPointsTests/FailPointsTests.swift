import Glibc
import Testing

@testable import FailPoints

@Suite("Fail points", .serialized)
struct FailPointsTests {
    @Test("Each has a name of its own, with what it belongs to in front, and a sentence of its own")
    func areTold() {
        let all = FailPoint.allCases
        #expect(all.allSatisfy { $0.rawValue.contains(/^[a-z]+\.[a-z-]+$/) || $0 == .workerBegun })
        #expect(Set(all.map(\.sentence)).count == all.count)
    }

    @Test(
        "An entry is a point, an effect, and the passage",
        arguments: [
            ("switch.before-rename:kill", FailPoint.switchBeforeRename, PlannedFailure.Effect.kill, 1, false),
            ("ledger.before-commit:enospc#3", .ledgerBeforeCommit, .error(ENOSPC), 3, false),
            ("export.after-tree:eio#2+", .exportAfterTree, .error(EIO), 2, true),
            ("check.before:stop", .checkBefore, .stop, 1, false),
        ])
    func isRead(_ text: String, _ point: FailPoint, _ effect: PlannedFailure.Effect, _ number: Int, _ lasts: Bool)
        throws
    {
        let failure = try PlannedFailure(text[...])
        #expect(failure.point == point && failure.effect == effect)
        #expect(failure.passage == number && failure.isLasting == lasts)
    }

    @Test(
        "What is no entry is refused by name",
        arguments: [
            ("switch:kill", FailPointError.noSuchPoint("switch")), ("check.before", .noSuchEffect("")),
            ("check.before:explode", .noSuchEffect("explode")), ("check.before:kill#0", .noSuchPassage("0")),
            ("check.before:kill#", .noSuchPassage("")),
        ])
    func isRefused(_ text: String, _ error: FailPointError) {
        #expect(throws: error) { try PlannedFailure(text[...]) }
    }

    @Test("A failure strikes at its passage, a lasting one at every later one too, and another point never")
    func strikes() throws {
        try FailPoints.arm("check.before:eio#2,check.after:erofs#2+")
        defer { try? FailPoints.arm("") }
        #expect((1...4).map { _ in FailPoints.pass(.checkBefore) } == [0, EIO, 0, 0])
        #expect((1...4).map { _ in FailPoints.pass(.checkAfter) } == [0, EROFS, EROFS, EROFS])
        #expect(FailPoints.pass(.switchBeforeRename) == 0)
    }

    @Test("A process that is started gets the whole plan, or the entries that are its own")
    func isHandedOn() throws {
        #expect(FailPoints.environment().isEmpty)
        try FailPoints.arm("retire.before-stop:kill,check.after:erofs")
        defer { try? FailPoints.arm("") }
        #expect(FailPoints.environment() == ["PMO_FAIL": "retire.before-stop:kill,check.after:erofs"])
        #expect(FailPoints.environment(for: "retire.") == ["PMO_FAIL": "retire.before-stop:kill"])
        #expect(FailPoints.environment(for: "bake.").isEmpty)
        try FailPoints.arm("retire.before-stop:kill,clock:-86400")
        #expect(FailPoints.clockShift == -86400)
        #expect(FailPoints.environment(for: "bake.") == ["PMO_FAIL": "clock:-86400"])
        #expect(throws: FailPointError.noSuchTime("clock:soon")) { try FailPoints.arm("clock:soon") }
    }

    @Test("The environment is followed by root and the owner of what the process works on, by nobody else")
    func isTheOwners() throws {
        defer {
            unsetenv("PMO_FAIL")
            try? FailPoints.arm("")
        }
        setenv("PMO_FAIL", "check.before:eio", 1)
        if getuid() != 0 {
            try FailPoints.arm(forOwnerOf: "/")
            #expect(FailPoints.pass(.checkBefore) == 0)
        }
        try FailPoints.arm(forOwnerOf: "/proc/self")
        #expect(FailPoints.pass(.checkBefore) == EIO)
    }
}
