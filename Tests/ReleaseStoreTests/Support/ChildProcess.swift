import Foundation
import Glibc
import SystemPackage
import Testing

/// A process of its own that runs one of the bodies of `ChildBodies`: this test program, started again.
final class ChildProcess: @unchecked Sendable {
    private let process = Process()

    var pid: Int32 { process.processIdentifier }

    /// - Parameter tracer: a program, with its arguments, that runs the process below it.
    init(_ body: ChildBody, in directory: FilePath, count: Int = 0, under tracer: [String] = []) throws {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let words = tracer + [program, "--testing-library", "swift-testing", "--filter", "ChildBodies"]
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = [
            "PATH": "/usr/bin:/bin", ChildBody.key: body.rawValue, "PMO_TEST_DIRECTORY": directory.string,
            "PMO_TEST_COUNT": String(count),
            "LD_LIBRARY_PATH": ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? "",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit { if process.isRunning { kill() } }

    func kill() { _ = Glibc.kill(pid, SIGKILL) }

    /// The exit status, or minus the signal.
    func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
}

/// Runs a program and answers its exit status.
@discardableResult
func run(_ program: String, _ arguments: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}
