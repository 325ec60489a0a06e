import Glibc
import SystemPackage

/// A place in a service's log.
public struct LogMark: Sendable, Equatable {
    let inode: UInt
    let offset: Int64
}

/// What svlogd has written of an instance: `current`, lines with a time stamp in front (svlogd(8), `-tt`).
struct ServiceLog {
    /// How much of the log's end is read: 256 KiB.
    static let tailBytes: Int64 = 1 << 18
    let directory: FilePath

    var mark: LogMark {
        var status = stat()
        guard stat(directory.appending("current").string, &status) == 0 else { return LogMark(inode: 0, offset: 0) }
        return LogMark(inode: status.st_ino, offset: Int64(status.st_size))
    }

    func tail(_ count: Int, since: LogMark?) -> [String] {
        let now = mark
        guard let file = try? FileDescriptor.open(directory.appending("current"), .readOnly, options: .closeOnExec)
        else {
            return []
        }
        defer { try? file.close() }
        var start = max(0, now.offset - Self.tailBytes)
        if let since, since.inode == now.inode { start = max(start, since.offset) }
        var buffer = [UInt8](repeating: 0, count: Int(max(0, now.offset - start)))
        let read = (try? buffer.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: start, into: $0) }) ?? 0
        let lines = String(decoding: buffer[..<read], as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: true)
        return lines.suffix(count).map { Self.withoutStamp($0) }
    }

    /// `2026-11-23_10:31:12.12345 text`; a line without a stamp (systemd's) stays as it is.
    private static func withoutStamp(_ line: Substring) -> String {
        guard let space = line.firstIndex(of: " ") else { return String(line) }
        let stamp = line[..<space].utf8
        guard stamp.count >= 25, stamp.dropFirst(10).first == UInt8(ascii: "_") else { return String(line) }
        return String(line[line.index(after: space)...])
    }
}
