import Glibc
import SystemPackage

/// The files by which a `runsv` is told and asked (runsv(8)).
struct RunitControl {
    private let directory: FilePath

    init(_ directory: FilePath) { self.directory = directory.appending("supervise") }

    /// Whether a runsv holds the directory: only then has the fifo `ok` a reader.
    var isSupervised: Bool {
        let file = open(directory.appending("ok").string, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return false }
        close(file)
        return true
    }

    func send(_ command: Character, unit: String) throws(HostError) {
        guard sendQuietly(command) else {
            throw .supervisor(unit: unit, problem: "its runsv does not answer: \(Errno(rawValue: errno))")
        }
    }

    @discardableResult
    func sendQuietly(_ command: Character) -> Bool {
        let file = open(directory.appending("control").string, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0, let byte = command.asciiValue else { return false }
        defer { close(file) }
        return withUnsafeBytes(of: byte) { write(file, $0.baseAddress, 1) } == 1
    }

    /// The 20 bytes of `supervise/status` (runit's sv.c): TAI64N of the last change, pid in little endian, paused,
    /// wanted, term sent, and the state: 0 down, 1 run, 2 finish.
    var status: InstanceStatus {
        guard let bytes = ProcessGroup.bytes(directory.appending("status").string), bytes.count == 20 else {
            return InstanceStatus(state: .down)
        }
        let pid = bytes[12..<16].reversed().reduce(0) { Int32(truncatingIfNeeded: $0) << 8 | Int32($1) }
        let label = bytes[0..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // TAI64 labels begin at 2^62, 10 s ahead of UTC in runit's own clock (tai_now.c).
        let since = Int(truncatingIfNeeded: label &- 4_611_686_018_427_387_914)
        let seconds = max(0, time(nil) - since)
        return bytes[19] == 1 && pid > 0
            ? InstanceStatus(state: .up, pid: pid, seconds: seconds) : InstanceStatus(state: .down, seconds: seconds)
    }
}
