import CLibgit2
import Foundation
import Glibc
import SystemPackage

@testable import GitRepository

/// A pack written byte by byte, with an index whose checksums are right, so that nothing but the entries is wrong.
struct HandMadePack {
    private var bytes = Array("PACK".utf8) + [0, 0, 0, 2, 0, 0, 0, 0]
    private var entries: [(id: [UInt8], offset: Int, checksum: UInt32)] = []

    /// Adds an object; its id is the byte, twenty times.
    ///
    /// - Parameters:
    ///   - size: what the header says of the data's size; the truth unless given.
    ///   - base: the bytes that stand between header and data: where the base of a delta is.
    mutating func add(_ id: UInt8, type: UInt8, base: [UInt8] = [], _ data: [UInt8], size: Int? = nil) {
        let offset = bytes.count
        var rest = size ?? data.count
        var byte = type << 4 | UInt8(rest & 15)
        rest >>= 4
        while rest > 0 {
            bytes.append(byte | 0x80)
            byte = UInt8(rest & 0x7f)
            rest >>= 7
        }
        bytes.append(byte)
        bytes += base + Self.stored(data)
        let checksum = bytes[offset...].withUnsafeBytes { Inflater.checksum($0) }
        entries.append(([UInt8](repeating: id, count: 20), offset, checksum))
    }

    static func id(_ byte: UInt8) -> ObjectID {
        var raw = git_oid()
        withUnsafeMutableBytes(of: &raw.id) { $0.initializeMemory(as: UInt8.self, repeating: byte) }
        return ObjectID(raw)
    }

    /// Writes both files; the index's path.
    func write(to directory: FilePath) throws -> String {
        var pack = bytes
        pack.replaceSubrange(8..<12, with: Self.word(entries.count))
        let trailer = [UInt8](repeating: 7, count: 20)
        let sorted = entries.sorted { $0.id.lexicographicallyPrecedes($1.id) }
        var index: [UInt8] = [0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2]
        for first in 0..<256 { index += Self.word(sorted.filter { Int($0.id[0]) <= first }.count) }
        for entry in sorted { index += entry.id }
        for entry in sorted { index += Self.word(Int(entry.checksum)) }
        for entry in sorted { index += Self.word(entry.offset) }
        try Data(pack + trailer).write(to: URL(fileURLWithPath: directory.appending("hand.pack").string))
        let path = directory.appending("hand.idx").string
        try Data(index + trailer + trailer).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// A reader of this pack alone.
    func reader(in directory: FilePath) throws -> PackReader? {
        PackReader([PackFile(index: try write(to: directory))].compactMap { $0 }, bases: 1 << 20)
    }

    private static func word(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(number >> (24 - $0 * 8) & 0xff) } }

    /// A zlib stream of one block that is not compressed (RFC 1950, RFC 1951).
    private static func stored(_ data: [UInt8]) -> [UInt8] {
        var a: UInt32 = 1
        var b: UInt32 = 0
        for byte in data {
            a = (a + UInt32(byte)) % 65521
            b = (b + a) % 65521
        }
        let length = [UInt8(data.count & 0xff), UInt8(data.count >> 8)]
        return [0x78, 0x01, 0x01] + length + length.map { ~$0 } + data + word(Int(b << 16 | a))
    }
}
