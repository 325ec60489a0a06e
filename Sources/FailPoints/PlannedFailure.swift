import Glibc

/// One entry of `PMO_FAIL`: `<point>:<effect>[#<passage>[+]]`, such as `switch.before-rename:kill` or
/// `ledger.before-commit:enospc#3+`.
struct PlannedFailure: Equatable, Sendable {
    /// What happens at the point.
    enum Effect: Equatable, Sendable {
        /// SIGKILL to the own process.
        case kill
        /// SIGSTOP to the own process, by the thread at the point; it goes on once somebody continues it.
        case stop
        /// The step fails as if a system call had, with this errno.
        case error(Int32)
    }

    let point: FailPoint
    let effect: Effect
    /// The passage at which it happens, from 1.
    let passage: Int
    /// Whether it happens at every later passage too.
    let isLasting: Bool

    static let effects: [(name: String, effect: Effect)] = [
        ("kill", .kill), ("stop", .stop), ("enospc", .error(ENOSPC)), ("eio", .error(EIO)), ("erofs", .error(EROFS)),
        ("edquot", .error(EDQUOT)), ("emfile", .error(EMFILE)), ("enomem", .error(ENOMEM)),
    ]

    init(_ text: Substring) throws(FailPointError) {
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let point = FailPoint(rawValue: String(halves[0])) else { throw .noSuchPoint(String(halves[0])) }
        self.point = point
        let parts = (halves.count > 1 ? halves[1] : "").split(
            separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        guard let effect = Self.effects.first(where: { $0.name == parts[0] })?.effect else {
            throw .noSuchEffect(String(parts[0]))
        }
        self.effect = effect
        guard parts.count > 1 else {
            passage = 1
            isLasting = false
            return
        }
        isLasting = parts[1].hasSuffix("+")
        guard let number = Int(isLasting ? parts[1].dropLast() : parts[1]), number > 0 else {
            throw .noSuchPassage(String(parts[1]))
        }
        passage = number
    }

    func strikes(at number: Int) -> Bool { isLasting ? number >= passage : number == passage }
}

/// Why `PMO_FAIL` cannot be followed.
public enum FailPointError: Error, Equatable, CustomStringConvertible {
    /// The name of no point.
    case noSuchPoint(String)
    /// An effect that there is not.
    case noSuchEffect(String)
    /// What stands behind `#` is no number from 1.
    case noSuchPassage(String)
    /// What stands behind `clock:` is no number of seconds.
    case noSuchTime(String)

    /// One sentence, lower case.
    public var description: String {
        switch self {
        case .noSuchPoint(let name): "PMO_FAIL names no fail point: “\(name)”"
        case .noSuchEffect(let name):
            "PMO_FAIL takes \(PlannedFailure.effects.map(\.name).joined(separator: ", ")), not “\(name)”"
        case .noSuchTime(let text): "PMO_FAIL sets the clock by seconds, such as clock:-86400, not “\(text)”"
        case .noSuchPassage(let text): "PMO_FAIL counts passages from 1, not “\(text)”"
        }
    }
}
