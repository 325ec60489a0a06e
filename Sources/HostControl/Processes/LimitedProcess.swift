import Glibc
import SystemPackage

/// What a process may use; each of its children as much again (setrlimit(2)).
public struct ResourceLimits: Sendable, Equatable {
    /// Memory of its own, in bytes: what it allocates, and not the files that it maps (`RLIMIT_DATA`).
    public var memory: Int
    /// Processor time in seconds (`RLIMIT_CPU`).
    public var processorTime: Int
    /// How large a file it may write, in bytes (`RLIMIT_FSIZE`).
    public var fileSize: Int

    /// Limits.
    public init(memory: Int, processorTime: Int, fileSize: Int) {
        self.memory = memory
        self.processorTime = processorTime
        self.fileSize = fileSize
    }

    /// Limits this process, which can take it back, and what it starts, which cannot.
    fileprivate func apply() throws(HostError) {
        let values = [
            (RLIMIT_DATA, memory), (RLIMIT_CPU, processorTime), (RLIMIT_FSIZE, fileSize), (RLIMIT_CORE, 0),
        ]
        for (resource, value) in values {
            var limit = rlimit()
            let kind = __rlimit_resource_t(resource.rawValue)
            guard getrlimit(kind, &limit) == 0 else {
                throw .program(name: "setrlimit", problem: "\(Errno(rawValue: errno))")
            }
            limit.rlim_cur = min(rlim_t(value), limit.rlim_max)
            // One second more than the signal: a process that ignores it is killed.
            limit.rlim_max = min(rlim_t(resource == RLIMIT_CPU ? value + 1 : value), limit.rlim_max)
            guard setrlimit(kind, &limit) == 0 else {
                throw .program(name: "setrlimit", problem: "\(Errno(rawValue: errno))")
            }
        }
    }
}

/// Runs a program on this process's own input and output, within limits.
public enum LimitedProcess {
    /// How much of what the program said last is kept, in bytes.
    private static let tailLimit = 4096

    /// How it ended: its exit status, or 128 and the signal's number, and the end of its standard error.
    public typealias End = (status: Int32, tail: String)

    /// Runs it and waits for its end. This process is held to the limits from then on.
    ///
    /// - Throws: `HostError.program`, `HostError.spawn`.
    public static func run(_ command: Command, limits: ResourceLimits) throws(HostError) -> End {
        try limits.apply()
        var pipe: [Int32] = [-1, -1]
        guard Glibc.pipe(&pipe) == 0 else { throw .program(name: "pipe", problem: "\(Errno(rawValue: errno))") }
        defer { close(pipe[0]) }
        let child: SpawnedProcess
        do throws(HostError) {
            child = try SpawnedProcess(command, descriptors: (0, 1, pipe[1]), group: .shared)
        } catch {
            close(pipe[1])
            throw error
        }
        close(pipe[1])
        let tail = passOn(pipe[0])
        guard let ended = child.wait(blocking: true) else { return (1, tail) }
        return (ended.signal.map { 128 + $0 } ?? ended.status, tail)
    }

    /// Copies all of a pipe to standard error as it comes, so that progress stays progress.
    private static func passOn(_ pipe: Int32) -> String {
        var tail: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(pipe, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: tail, as: UTF8.self) }
            _ = try? FileDescriptor.standardError.writeAll(buffer[..<count])
            tail = (tail + buffer[..<count]).suffix(tailLimit)
        }
    }
}
