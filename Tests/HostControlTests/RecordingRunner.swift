import Synchronization
import Testing

@testable import HostControl

/// A runner that records commands and answers as told; a call that nobody has configured fails the test.
final class RecordingRunner: CommandRunner {
    typealias Answer = @Sendable (Command) throws(HostError) -> CommandResult?

    private let answer: Answer
    private let recorded = Mutex<[Command]>([])

    init(_ answer: @escaping Answer = { _ in nil }) { self.answer = answer }

    var commands: [Command] { recorded.withLock { $0 } }

    func run(_ command: Command, within limit: Duration, outputLimit: Int) async throws(HostError) -> CommandResult {
        recorded.withLock { $0.append(command) }
        if let result = try answer(command) { return result }
        Issue.record("nobody expected \(command.executable) \(command.arguments.joined(separator: " "))")
        throw .spawn(program: command.executable, code: 0, message: "not configured")
    }

    func stream(
        _ command: Command, within limit: Duration, onLine: @escaping @Sendable (String) -> Void
    ) async throws(HostError) -> CommandResult {
        try await run(command, within: limit, outputLimit: 0)
    }
}
