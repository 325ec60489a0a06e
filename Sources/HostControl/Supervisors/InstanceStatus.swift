/// What an instance does.
public struct InstanceStatus: Sendable, Equatable {
    /// Whether its process runs.
    public enum State: Sendable, Equatable { case up, down }
    /// Whether its process runs.
    public var state: State
    /// The process, which leads its process group.
    public var pid: Int32?
    /// For how long it is in that state.
    public var seconds: Int
    /// Whether it was told to stop, which it may not have done yet.
    public var isToldToStop: Bool
    /// How often its process has ended by itself since a command has started it.
    public var ends: Int
    /// How it did so the last time; nil where that is not known.
    public var lastEnd: ProcessEnd?

    /// A status.
    public init(
        state: State, pid: Int32? = nil, seconds: Int = 0, isToldToStop: Bool = false, ends: Int = 0,
        lastEnd: ProcessEnd? = nil
    ) {
        self.state = state
        self.pid = pid
        self.seconds = seconds
        self.isToldToStop = isToldToStop
        self.ends = ends
        self.lastEnd = lastEnd
    }

    /// Whether it is down because it was told to be.
    public var isStopped: Bool { state == .down && isToldToStop }

    /// `ended 3 times, last with status 2`; nil where it never has.
    public var endings: String? { ProcessEnd.told(ends, last: lastEnd) }
}

/// How a process came to its end.
public enum ProcessEnd: Sendable, Hashable, CustomStringConvertible {
    /// By itself, with a status from 0 to 255.
    case exited(Int)
    /// By a signal.
    case killed(Int)

    /// `status 2`, `signal 11`.
    public var description: String {
        switch self {
        case .exited(let status): "status \(status)"
        case .killed(let signal): "signal \(signal)"
        }
    }

    /// `ended 3 times, last with status 2`; nil where it never has.
    public static func told(_ times: Int, last: ProcessEnd?) -> String? {
        switch times {
        case ..<1: nil
        case 1: last.map { "ended with \($0)" } ?? "ended"
        default: "ended \(times) times" + (last.map { ", last with \($0)" } ?? "")
        }
    }
}
