import Glibc
public import ReleaseModel
import SystemPackage

extension ProcessIdentity {
    /// This process.
    public static func current() -> ProcessIdentity {
        of(pid: getpid()) ?? ProcessIdentity(pid: getpid(), started: 0, boot: bootID)
    }

    /// The process that started this one; nil when it is gone.
    public static func parent() -> ProcessIdentity? { of(pid: getppid()) }

    /// The process of that number; nil where there is none.
    public static func of(pid: Int32) -> ProcessIdentity? {
        status(of: pid).map { ProcessIdentity(pid: pid, started: $0.started, boot: bootID) }
    }

    /// Whether it still runs: the same number, start and boot, and not a zombie.
    public var isAlive: Bool {
        guard boot == Self.bootID, let status = Self.status(of: pid) else { return false }
        return status.started == started && !"ZXx".contains(status.state)
    }

    /// `/proc/sys/kernel/random/boot_id` (random(4)).
    private static let bootID = text(of: "/proc/sys/kernel/random/boot_id").filter { !$0.isWhitespace }

    /// Fields 3 and 22 of `/proc/<pid>/stat` (proc(5)); the name before them may hold blanks and parentheses.
    private static func status(of pid: Int32) -> (state: Character, started: Int)? {
        guard pid > 0 else { return nil }
        let line = text(of: "/proc/\(pid)/stat")
        guard let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let started = Int(fields[19]) else { return nil }
        return (state, started)
    }

    private static func text(of path: String) -> String {
        guard let bytes = try? DurableFile.read(FilePath(path)) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
