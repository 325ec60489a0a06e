import GitRepository
import ReleaseModel
import SystemPackage

/// The list of what was exported into a release: a record an entry, `<mode> <size> <blob> <path>` and a NUL, in the
/// tree's order; mode in octal, size in bytes, the blob's id in hexadecimal, the path in the tree's own bytes.
final class ReleaseIndex {
    private static let bufferSize = 1 << 16

    private let file: FileDescriptor
    private var buffer: [UInt8] = []

    init(writingTo path: FilePath) throws {
        file = try .open(
            path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite, .groupRead, .otherRead])
        buffer.reserveCapacity(Self.bufferSize)
    }

    func append(_ entry: IndexEntry) throws {
        buffer.append(contentsOf: "\(String(entry.mode, radix: 8)) \(entry.size) \(entry.blob) ".utf8)
        buffer.append(contentsOf: entry.path)
        buffer.append(0)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    func close() throws {
        try flush()
        try file.close()
    }

    private func flush() throws {
        try file.writeAll(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
