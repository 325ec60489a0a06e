import Foundation
import Glibc
import SystemPackage
import Testing

/// A process of its own that runs one of the bodies of `ChildBodies`: this test program, started again.
final class ChildProcess: @unchecked Sendable {
    private let process = Process()
    private let output: String

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
        let (output, path) = try Self.makeOutput()
        self.output = path
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try output.close()
    }

    /// A file of its own for what it says, which nobody needs unless it fails.
    private static func makeOutput() throws -> (FileHandle, String) {
        let path = NSTemporaryDirectory() + "/pmo-child-\(UUID()).log"
        try Data().write(to: URL(fileURLWithPath: path))
        return (try FileHandle(forWritingTo: URL(fileURLWithPath: path)), path)
    }

    deinit {
        if process.isRunning { kill() }
        unlink(output)
    }

    /// What it has said of failures so far.
    var complaint: String {
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { $0.contains("✘") || $0.contains("rror:") }.joined(separator: "\n")
    }

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
