import Dispatch
import Glibc
public import SystemPackage

/// Runs real programs, each in a process group of its own, of which nothing is left when it returns.
public struct ProcessRunner: CommandRunner {
    /// A runner.
    public init() {}

    /// Runs a program and collects what it writes.
    public func run(
        _ command: Command, within limit: Duration, outputLimit: Int
    ) async throws(HostError) -> CommandResult {
        try await detached { () throws(HostError) -> CommandResult in
            var output = BoundedBytes(limit: outputLimit)
            var errors = BoundedBytes(limit: outputLimit)
            var pump = try ProcessPump(command, merged: false)
            var result = pump.run(within: limit) { bytes, isError in
                if isError { errors.append(bytes) } else { output.append(bytes) }
            }
            result.output = output.bytes
            result.errorOutput = errors.bytes
            return result
        }
    }

    /// Runs a program whose lines are shown as they come.
    public func stream(
        _ command: Command, within limit: Duration, onLine: @escaping @Sendable (String) -> Void
    ) async throws(HostError) -> CommandResult {
        try await detached { () throws(HostError) -> CommandResult in
            var splitter = LineSplitter()
            var pump = try ProcessPump(command, merged: true)
            let result = pump.run(within: limit) { bytes, _ in
                for line in splitter.append(bytes) { onLine(line) }
            }
            if let last = splitter.end() { onLine(last) }
            return result
        }
    }

    /// The work blocks, so it may not hold one of the few threads that tasks share.
    private func detached(
        _ body: @escaping @Sendable () throws(HostError) -> CommandResult
    ) async throws(HostError) -> CommandResult {
        let result: Result<CommandResult, HostError> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                do throws(HostError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}

/// Runs a program on this process's own input and output, and waits for it.
public enum ForegroundProcess {
    /// Runs it.
    ///
    /// - Returns: its exit status; 128 and the signal's number where a signal ended it, as shells have it.
    public static func run(
        _ program: String, _ arguments: [String], environment: [String: String]
    ) throws(HostError) -> Int32 {
        let command = Command(executable: program, arguments: arguments, environment: environment)
        let child = try SpawnedProcess(command, descriptors: (0, 1, 2), group: .shared)
        guard let ended = child.wait(blocking: true) else { return 1 }
        return ended.signal.map { 128 + $0 } ?? ended.status
    }
}

/// Starts a program that outlives this process: a session of its own, no input, its output appended to a file, no
/// other descriptor of ours.
public enum DetachedProcess {
    /// Starts it.
    ///
    /// - Returns: its pid.
    /// - Throws: `HostError.spawn`, `HostError.file`.
    public static func spawn(
        executable: String, arguments: [String], environment: [String: String], log: FilePath
    ) throws(HostError) -> Int32 {
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(null) }
        let output = open(log.string, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard output >= 0 else { throw .file(path: log.string, message: "\(Errno(rawValue: errno))") }
        defer { close(output) }
        let command = Command(
            executable: executable, arguments: arguments, environment: environment, directory: "/")
        return try SpawnedProcess(command, descriptors: (null, output, output), group: .session).pid
    }
}
