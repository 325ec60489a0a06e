import DeployPipeline
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Merges the logs of a service's slots and instances by their time stamps; those without any one after the other, what
/// was written to last at the end.
struct ServiceLogReader {
    private struct Source {
        let name: String
        let path: FilePath
        var offset: Int64 = 0
        /// When it was written to last; lines without stamps are in no other order (nanoseconds).
        var written: Int {
            var status = stat()
            guard stat(path.string, &status) == 0 else { return 0 }
            return status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        }
    }
    private struct Line {
        let stamp: Substring
        let text: String
    }

    private var sources: [Source]

    init(_ host: AppHost, service: ServiceName?) throws {
        let known = (try? host.store.current().map { try host.store.manifest($0).services.map(\.name) }) ?? []
        let logged = Self.names(in: host.layout.logs.appending("services")).compactMap { try? ServiceName($0) }
        let all = Set(known + logged).sorted()
        if let service, !all.contains(service) {
            throw DeployError.noSuchService(service.text, known: all.map(\.text), app: host.layout.name)
        }
        sources = (service.map { [$0] } ?? all).flatMap { service in
            let directory = host.layout.serviceLogs(service)
            return Self.names(in: directory).sorted().map { slot in
                let instance = slot.split(separator: ".").last ?? "0"
                return Source(name: "\(service).\(instance)", path: directory.appending(slot).appending("current"))
            }
        }
    }

    /// The last lines that are there now.
    mutating func last(_ count: Int) -> [String] {
        let written = sources.map(\.written)
        sources = sources.indices.sorted { (written[$0], $0) < (written[$1], $1) }.map { sources[$0] }
        return shown(Array(read().suffix(max(0, count))))
    }

    /// What was written since.
    mutating func more() -> [String] { shown(read()) }

    private mutating func read() -> [Line] {
        var lines: [Line] = []
        for index in sources.indices {
            let source = sources[index]
            let bytes = Self.bytes(of: source.path, from: &sources[index].offset)
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: true) {
                let (stamp, text) = Self.parted(line)
                let time = stamp.isEmpty ? "" : "\(stamp.shown()) "
                lines.append(Line(stamp: stamp, text: "\(time)\(source.name): \(text.shown())"))
            }
        }
        // Stable: lines of one instance keep their order.
        return lines.enumerated().sorted { ($0.element.stamp, $0.offset) < ($1.element.stamp, $1.offset) }.map(
            \.element)
    }

    /// svlogd's stamp, `2026-11-23_10:31:12.12345`, and the text; under systemd a line has no stamp.
    private static func parted(_ line: Substring) -> (stamp: Substring, text: Substring) {
        guard let space = line.firstIndex(of: " "), line[..<space].utf8.count >= 25,
            line[..<space].utf8.dropFirst(10).first == UInt8(ascii: "_")
        else { return ("", line) }
        return (line[..<space], line[line.index(after: space)...])
    }

    private func shown(_ lines: [Line]) -> [String] { lines.map(\.text) }

    private static func bytes(of path: FilePath, from offset: inout Int64) -> [UInt8] {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return [] }
        defer { try? file.close() }
        // A log that was rotated begins anew.
        if let end = try? file.seek(offset: 0, from: .end), end < offset { offset = 0 }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while let count = try? buffer.withUnsafeMutableBytes({
            try file.read(fromAbsoluteOffset: offset + Int64(result.count), into: $0)
        }), count > 0 {
            result.append(contentsOf: buffer[..<count])
        }
        // A line that is still being written is left for the next reading.
        guard let end = result.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        offset += Int64(end + 1)
        return Array(result[...end])
    }

    private static func names(in directory: FilePath) -> [String] {
        guard let stream = opendir(directory.string) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
