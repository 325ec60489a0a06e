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

    /// What runsv's file says, and the kernel where that does not hold: on a full disk runsv goes on, and cannot write it.
    var status: InstanceStatus {
        let told = toldStatus
        if let pid = told.pid, ProcessGroup.isAlive(pid) { return told }
        let lock = directory.appending("lock").string
        guard let keeper = ProcessGroup.holder(ofLock: lock, program: "runsv") else { return told }
        guard let service = ProcessGroup.children(of: keeper).first(where: isService) else {
            return InstanceStatus(state: .down, seconds: told.pid == nil ? told.seconds : 0)
        }
        return InstanceStatus(state: .up, pid: service, seconds: ProcessGroup.seconds(of: service))
    }

    /// What `finish` has noted: how often the service has ended, and runsv's two words for how (runsv(8)).
    var ends: (times: Int, last: ProcessEnd?) {
        let text = ProcessGroup.text(directory.removingLastComponent().appending("ended").string) ?? ""
        let numbers = text.split(whereSeparator: \.isWhitespace).map { Int($0) }
        guard numbers.count == 3, let times = numbers[0], let status = numbers[1], let signal = numbers[2] else {
            return (0, nil)
        }
        return (times, status >= 0 ? .exited(status) : .killed(signal & 0x7f))
    }

    /// Whether it is none of runsv's other children: the log's writer, and the scripts that it runs around a service.
    private func isService(_ pid: Int32) -> Bool {
        let words = ProcessGroup.bytes("/proc/\(pid)/cmdline")?.split(separator: 0) ?? []
        let isBeside = words.contains { $0.elementsEqual("./finish".utf8) || $0.starts(with: "control/".utf8) }
        if isBeside { return false }
        var own = stat()
        var log = stat()
        guard stat("/proc/\(pid)/cwd", &own) == 0,
            stat(directory.removingLastComponent().appending("log").string, &log) == 0
        else { return true }
        return (own.st_dev, own.st_ino) != (log.st_dev, log.st_ino)
    }

    /// The 20 bytes of `supervise/status` (runit's sv.c): TAI64N of the last change, pid in little endian, paused,
    /// wanted, term sent, and the state: 0 down, 1 run, 2 finish.
    private var toldStatus: InstanceStatus {
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
