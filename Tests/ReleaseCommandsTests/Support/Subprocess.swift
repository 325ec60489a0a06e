import Foundation
import Glibc

@testable import HostControl

/// What a program that has ended left behind.
struct Ended: CustomStringConvertible {
    /// The exit status; 128 and the signal's number where a signal ended it, 255 where the time limit did.
    let status: Int32
    let out: String
    let err: String
    let seconds: Double

    /// Both outputs, for a transcript in which their order does not matter.
    var all: String { out + err }
    var description: String { "status \(status) after \(seconds) s\n\(out)\(err)" }

    /// The lines of standard error without git's `remote: ` and the blanks that it pads them with.
    var remote: [String] {
        err.split(whereSeparator: \.isNewline).compactMap { line in
            guard line.hasPrefix("remote: ") else { return nil }
            var text = String(line.dropFirst(8))
            while text.last == " " { text.removeLast() }
            return text
        }
    }
}

/// A program under way. Its outputs go to files, so that neither a full pipe nor a grandchild that keeps one open can
/// hang a test; it leads a session of its own, so that a time limit reaches whatever it started.
final class Subprocess {
    let pid: pid_t
    private let output: String
    private let begun = ContinuousClock.now
    private var status: Int32?

    init(_ program: String, _ arguments: [String], environment: [String: String], directory: String, input: String)
        throws
    {
        output = "/tmp/pmo-said-\(UUID().uuidString)"
        try input.write(toFile: output + ".in", atomically: false, encoding: .utf8)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, output + ".in", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output + ".out", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, output + ".err", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID, which glibc's header keeps behind _GNU_SOURCE.
        let newSession: Int32 = 0x80
        posix_spawnattr_setflags(&attributes, Int16(newSession | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // env(1) changes the directory and becomes the program.
        var argv = (["env", "-C", directory, program] + arguments).map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var child: pid_t = 0
        let failure = posix_spawn(&child, "/usr/bin/env", &actions, &attributes, &argv, &envp)
        guard failure == 0 else { throw SpawnFailure(program: program, problem: String(cString: strerror(failure))) }
        pid = child
    }

    deinit {
        if !hasEnded {
            kill(-pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        for suffix in [".in", ".out", ".err"] { unlink(output + suffix) }
    }

    /// What it has written so far.
    var said: String { read(".out") + read(".err") }

    var hasEnded: Bool {
        if status != nil { return true }
        var raw: Int32 = 0
        guard waitpid(pid, &raw, WNOHANG) == pid else { return false }
        status = raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
        return true
    }

    /// Waits for its end; past the limit it is killed.
    func ended(within limit: Duration = .seconds(300)) async throws -> Ended {
        while !hasEnded {
            if ContinuousClock.now - begun > limit {
                kill(-pid, SIGKILL)
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
                status = 255
                break
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        let took = (ContinuousClock.now - begun).components
        return Ended(
            status: status ?? 255, out: read(".out"), err: read(".err"),
            seconds: Double(took.seconds) + Double(took.attoseconds) / 1e18)
    }

    private func read(_ suffix: String) -> String {
        String(decoding: ProcessGroup.bytes(output + suffix) ?? [], as: UTF8.self)
    }
}

struct SpawnFailure: Error, CustomStringConvertible {
    let program: String
    let problem: String
    var description: String { "cannot start \(program): \(problem)" }
}

/// Waits until something holds; false when it did not within the limit.
func eventually(within limit: Duration = .seconds(120), _ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return try await condition()
}
