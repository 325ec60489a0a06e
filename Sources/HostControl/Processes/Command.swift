public import SystemPackage

/// A program to run, as a value: made by pure functions, compared in tests, never a shell's text.
public struct Command: Sendable, Equatable {
    /// The program's absolute path, or a name that is looked for in `HostPrograms.path`.
    public var executable: String
    /// Its arguments, without its name.
    public var arguments: [String]
    /// Its whole environment; nothing is inherited.
    public var environment: [String: String]
    /// Where it starts; this process's directory unless told.
    public var directory: FilePath?
    /// What it reads; nothing unless told.
    public var input: [UInt8]?

    /// A command.
    public init(
        executable: String, arguments: [String] = [], environment: [String: String] = HostPrograms.environment,
        directory: FilePath? = nil, input: [UInt8]? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.input = input
    }
}

/// How a program ended. A status other than 0 is a result here; it becomes an error where its meaning is known.
public struct CommandResult: Sendable, Equatable {
    /// The exit status; 0 where a signal ended it.
    public var status: Int32 = 0
    /// The signal that ended it.
    public var signal: Int32?
    /// The beginning of its output, bounded by the caller's limit.
    public var output: [UInt8] = []
    /// The beginning of its error output, bounded likewise.
    public var errorOutput: [UInt8] = []
    /// Whether the time was up.
    public var timedOut = false

    /// Whether it ended by itself with status 0.
    public var succeeded: Bool { status == 0 && signal == nil && !timedOut }
    /// How it ended.
    public var end: ProcessEnd { signal.map { .killed(Int($0)) } ?? .exited(Int(status)) }
    /// The output as text.
    public var text: String { String(decoding: output, as: UTF8.self) }
    /// The error output as text, or the output where there is none.
    public var problem: String {
        let bytes = errorOutput.isEmpty ? output : errorOutput
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        return lines.isEmpty ? "status \(status)" : lines.suffix(3).joined(separator: "; ")
    }
}

/// The one seam through which other programs are run.
public protocol CommandRunner: Sendable {
    /// Runs a program and collects what it writes.
    ///
    /// - Parameter outputLimit: bytes kept of each stream; the rest is read and dropped.
    func run(_ command: Command, within limit: Duration, outputLimit: Int) async throws(HostError) -> CommandResult

    /// Runs a program whose output and error output come line by line, escaped, lines of over 4,096 bytes in pieces.
    /// When the time is up its process group gets TERM, and KILL 5 s later.
    func stream(
        _ command: Command, within limit: Duration, onLine: @escaping @Sendable (String) -> Void
    ) async throws(HostError) -> CommandResult
}

extension CommandRunner {
    /// Runs a program for at most 60 s and keeps 64 KiB of its output.
    public func run(_ command: Command, within limit: Duration = .seconds(60)) async throws(HostError) -> CommandResult
    {
        try await run(command, within: limit, outputLimit: 1 << 16)
    }
}
