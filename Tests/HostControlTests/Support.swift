import Foundation
import Glibc
import SystemPackage
import Testing

@testable import HostControl

/// Lends a directory, and removes it with every process that still works in it, however the test ends.
func withDirectory<Result>(
    in place: String = "/tmp", _ body: (FilePath) async throws -> Result
) async throws -> Result {
    var template = Array("\(place)/pmo-host-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw Errno(rawValue: errno) }
    let directory = FilePath(platformString: made)
    defer {
        // Twice: what is ended first may have been watching what is ended second.
        for _ in 0..<2 { for pid in processes(in: directory) { end(pid) } }
        try? FileManager.default.removeItem(atPath: directory.string)
    }
    return try await body(directory)
}

/// The processes that have a directory in their command line or work below it, zombies aside.
func processes(in directory: FilePath) -> [Int32] {
    ProcessGroup.allPids().filter { pid in
        guard pid != getpid() else { return false }
        let line = ProcessGroup.text("/proc/\(pid)/cmdline") ?? ""
        let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
        return line.contains(directory.string) || place?.hasPrefix(directory.string) == true
    }
}

/// Whether a process is there, as a zombie too.
func exists(_ pid: Int32) -> Bool { access("/proc/\(pid)", F_OK) == 0 }

/// Ends one process, and takes its status where it is ours.
func end(_ pid: Int32) {
    kill(pid, SIGKILL)
    var status: Int32 = 0
    for _ in 0..<100 where waitpid(pid, &status, WNOHANG) == 0 { usleep(10_000) }
}

/// Waits until something holds.
func eventually(within limit: Duration = .seconds(120), _ condition: () async throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(20))
    }
    return try await condition()
}

extension FilePath {
    /// The file's text; nil where it cannot be read.
    var content: String? { ProcessGroup.text(string) }

    func write(_ text: String, mode: mode_t = 0o644) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: string))
        chmod(string, mode)
    }

    /// The directory of that name in this one, made.
    func directory(_ name: String) throws -> FilePath {
        let path = appending(name)
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        return path
    }
}

extension Command {
    /// A script of sh.
    static func script(_ text: String, _ arguments: String...) -> Command {
        Command(executable: "/bin/sh", arguments: ["-c", text, "sh"] + arguments)
    }
}

/// A TCP socket that listens on a port of 127.0.0.1 that was free.
final class Listener {
    let descriptor: Int32
    let port: Int

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let code = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 8) == 0
                    ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else { throw Errno(rawValue: errno) }
        port = Int(in_port_t(bigEndian: name.sin_port))
    }

    deinit { close(descriptor) }
}
