import Glibc
import Synchronization

/// The fail points of this process. They do nothing until `arm` has found a plan in the environment; until then a
/// passage costs one load.
public enum FailPoints {
    /// The variable with the plan: entries such as `switch.before-rename:kill`, with commas between.
    public static let variable = "PMO_FAIL"
    /// What an entry begins with that sets the clock.
    private static let clock = "clock:"

    private static let isArmed = Atomic<Bool>(false)
    private static let shift = Atomic<Int>(0)
    private static let plan = Mutex(Plan())

    private struct Plan {
        var text = ""
        var failures: [PlannedFailure] = []
        var passages: [FailPoint: Int] = [:]
    }

    /// Follows the plan of the environment, where there is one and this process runs as root or as the owner of the
    /// directory that it works on; the second time does nothing.
    public static func arm(forOwnerOf directory: String) throws(FailPointError) {
        guard let value = getenv(variable), value.pointee != 0, !isArmed.load(ordering: .relaxed) else { return }
        var status = stat()
        guard getuid() == 0 || (stat(directory, &status) == 0 && status.st_uid == getuid()) else { return }
        try arm(String(cString: value))
    }

    static func arm(_ text: String) throws(FailPointError) {
        var failures: [PlannedFailure] = []
        var seconds = 0
        for entry in text.split(separator: ",") {
            if entry.hasPrefix(clock) {
                guard let given = Int(entry.dropFirst(clock.count)) else { throw .noSuchTime(String(entry)) }
                seconds = given
            } else {
                failures.append(try PlannedFailure(entry))
            }
        }
        plan.withLock { $0 = Plan(text: text, failures: failures) }
        shift.store(seconds, ordering: .relaxed)
        isArmed.store(!text.isEmpty, ordering: .relaxed)
    }

    /// By how many seconds the clock of this process is wrong, as an entry such as `clock:-86400` has it.
    public static var clockShift: Int { shift.load(ordering: .relaxed) }

    /// Passes a point.
    ///
    /// - Returns: the errno that the step is to fail with; 0 where it is to go on.
    @inline(__always)
    public static func pass(_ point: FailPoint) -> Int32 {
        isArmed.load(ordering: .relaxed) ? strike(point) : 0
    }

    /// The plan for a detached process that this one starts.
    ///
    /// - Parameter prefix: only the entries of points that begin so, and the clock's; none for all.
    /// - Returns: what its environment needs for that; nothing where nothing is planned.
    public static func environment(for prefix: String = "") -> [String: String] {
        guard isArmed.load(ordering: .relaxed) else { return [:] }
        let entries = plan.withLock { $0.text }.split(separator: ",").filter {
            $0.hasPrefix(prefix) || $0.hasPrefix(clock)
        }
        return entries.isEmpty ? [:] : [variable: entries.joined(separator: ",")]
    }

    private static func strike(_ point: FailPoint) -> Int32 {
        let effect = plan.withLock { plan in
            let number = plan.passages[point, default: 0] + 1
            plan.passages[point] = number
            return plan.failures.first { $0.point == point && $0.strikes(at: number) }?.effect
        }
        guard let effect else { return 0 }
        tell("pmo-release: fail point \(point.rawValue) strikes in process \(getpid())\n")
        switch effect {
        case .kill:
            kill(getpid(), SIGKILL)
            while true { pause() }
        case .stop:
            // To this thread: what is sent to the process may be taken by another, while this one goes on.
            raise(SIGSTOP)
            return 0
        case .error(let code): return code
        }
    }

    private static func tell(_ line: String) {
        let bytes = Array(line.utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
