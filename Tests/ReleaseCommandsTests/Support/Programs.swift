import Foundation
import Glibc

@testable import HostControl

/// Where the programs under test and those around them are.
enum Programs {
    static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The directory of `pmo-release` and `post-receive`: `PMO_BUILT`, or that of the test bundle.
    static let built: String = {
        if let told = ProcessInfo.processInfo.environment["PMO_BUILT"] { return told }
        var near = CommandLine.arguments.filter { $0.contains(".xctest") || $0.contains("/") }
        if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") { near.append(own) }
        for place in near {
            var directory = URL(fileURLWithPath: place)
            while directory.path != "/" {
                directory.deleteLastPathComponent()
                if access(directory.path + "/pmo-release", X_OK) == 0,
                    access(directory.path + "/post-receive", X_OK) == 0
                {
                    return directory.path
                }
            }
        }
        return package + "/.build/debug"
    }()

    /// The package's root, for `examples`.
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    static var release: String { built + "/pmo-release" }

    /// A program's file, from `path`.
    static func find(_ name: String) throws -> String {
        if name.contains("/") { return name }
        if name == "pmo-release" { return release }
        for directory in path.split(separator: ":") where access("\(directory)/\(name)", X_OK) == 0 {
            return "\(directory)/\(name)"
        }
        throw SpawnFailure(program: name, problem: "not installed")
    }
}

/// A process as /proc tells it.
struct RunningProcess {
    let pid: pid_t
    let arguments: [String]
    let directory: String

    /// Not by `FileManager.contents`, which keeps the memory that it has taken for a file that turns out to be empty, as the
    /// command lines of the kernel's threads are.
    static func all() -> [RunningProcess] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard let pid = pid_t(name), pid != getpid(),
                let bytes = ProcessGroup.bytes("/proc/\(pid)/cmdline"), !bytes.isEmpty
            else { return nil }
            let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            let directory = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
            return RunningProcess(pid: pid, arguments: words, directory: directory ?? "")
        }
    }

    /// Whether it is stopped (field 3 of `/proc/<pid>/stat`, proc(5)).
    var isStopped: Bool {
        let line = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return line.split(separator: ")").last?.hasPrefix(" T") == true
    }

    func mentions(_ text: String) -> Bool { arguments.contains { $0.contains(text) } || directory.contains(text) }
}
