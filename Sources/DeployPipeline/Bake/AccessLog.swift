import Glibc
import SystemPackage

/// What nginx has written of requests since a moment: its `combined` format, and behind that where the request was served
/// from (`$realpath_root`): a release, or the slot of a service.
struct AccessLog {
    /// More than that in one look is passed over: 16 MiB.
    private static let limit: Int64 = 16 << 20

    private let path: FilePath
    private var inode: ino_t = 0
    private var offset: Int64 = 0

    /// A log from here on.
    init(_ path: FilePath) {
        self.path = path
        var status = stat()
        if stat(path.string, &status) == 0 { (inode, offset) = (status.st_ino, Int64(status.st_size)) }
    }

    /// How many requests there were since the last look, and how many of them were answered with 500 or above.
    ///
    /// - Parameter places: the directories whose requests count, with all below.
    mutating func look(at places: [String]) -> (requests: Int, errors: Int) {
        let statuses = newLines().compactMap { line -> Int? in
            guard let (status, place) = Self.parsed(line), places.contains(where: { Self.is(place, below: $0) }) else {
                return nil
            }
            return status
        }
        return (statuses.count, statuses.count { $0 >= 500 })
    }

    /// `… "GET / HTTP/1.1" 200 5 "-" "curl" "/srv/pmo/pmo/slots/api/1"`: nginx writes a quote in a value as `\x22`.
    static func parsed(_ line: Substring) -> (status: Int, place: Substring)? {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        guard parts.count == 9, let status = parts[2].split(separator: " ").first.flatMap({ Int($0) }) else {
            return nil
        }
        return (status, parts[7])
    }

    private static func `is`(_ place: Substring, below directory: String) -> Bool {
        place == directory || place.hasPrefix(directory + "/")
    }

    /// Whole lines alone; the rest is read the next time.
    private mutating func newLines() -> [Substring] {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return [] }
        defer { try? file.close() }
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { return [] }
        // Another file by that name, or one that was emptied, is new as a whole.
        if status.st_ino != inode || Int64(status.st_size) < offset { (inode, offset) = (status.st_ino, 0) }
        offset = max(offset, Int64(status.st_size) - Self.limit)
        var bytes = [UInt8](repeating: 0, count: Int(Int64(status.st_size) - offset))
        let count = (try? bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: offset, into: $0) }) ?? 0
        guard let end = bytes[..<count].lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        offset += Int64(end) + 1
        return String(decoding: bytes[...end], as: UTF8.self).split(separator: "\n")
    }
}
