import Glibc

/// A pack of version 2 with its index of version 2 (git's `Documentation/gitformat-pack`), both mapped. Whatever is not
/// exactly as the format says is no pack to it, or no entry: libgit2 is asked then, and judges.
final class PackFile: @unchecked Sendable {
    /// Where an object begins, and the checksum of its bytes in the pack.
    struct Place {
        let offset: Int
        let checksum: UInt32
    }

    /// The pack without its own checksum at the end.
    let bytes: UnsafeRawBufferPointer
    private let pack: MappedFile
    private let index: MappedFile
    private let count: Int

    private static let indexHeader = 8
    private static let fanout = 256 * 4
    private static let idLength = 20
    private static let packHeader = 12

    /// Opens the pack that belongs to the index at the path, `….idx`.
    init?(index path: String) {
        guard path.hasSuffix(".idx"), let index = MappedFile(path),
            let pack = MappedFile(path.dropLast(4) + ".pack"), let count = Self.count(index.bytes),
            Self.belongs(pack.bytes, to: index.bytes, count)
        else { return nil }
        self.index = index
        self.pack = pack
        self.count = count
        bytes = UnsafeRawBufferPointer(rebasing: pack.bytes.dropLast(Self.idLength))
    }

    /// How many objects an index holds, where its size fits that.
    private static func count(_ index: UnsafeRawBufferPointer) -> Int? {
        let tables = indexHeader + fanout
        guard index.count >= tables + 2 * idLength, index.bigEndian32(at: 0) == 0xff74_4f63,
            index.bigEndian32(at: 4) == 2
        else { return nil }
        var count = 0
        for bucket in 0..<256 {
            let next = Int(index.bigEndian32(at: indexHeader + bucket * 4))
            guard next >= count else { return nil }
            count = next
        }
        let rest = index.count - tables - 2 * idLength - count * (idLength + 8)
        return rest >= 0 && rest % 8 == 0 ? count : nil
    }

    private static func belongs(_ pack: UnsafeRawBufferPointer, to index: UnsafeRawBufferPointer, _ count: Int) -> Bool
    {
        guard pack.count >= packHeader + idLength, pack.bigEndian32(at: 0) == 0x5041_434b, pack.bigEndian32(at: 4) == 2,
            Int(pack.bigEndian32(at: 8)) == count, let packEnd = pack.baseAddress?.advanced(by: pack.count),
            let indexEnd = index.baseAddress?.advanced(by: index.count)
        else { return false }
        return memcmp(packEnd - idLength, indexEnd - 2 * idLength, idLength) == 0
    }

    /// Where an object is; nil where it is not in this pack.
    func find(_ id: ObjectID) -> Place? {
        withUnsafeBytes(of: id) { wanted in
            guard let start = wanted.baseAddress, let table = index.bytes.baseAddress else { return nil }
            let first = Int(wanted[0])
            var low = first == 0 ? 0 : Int(index.bytes.bigEndian32(at: Self.indexHeader + (first - 1) * 4))
            var high = Int(index.bytes.bigEndian32(at: Self.indexHeader + first * 4))
            let names = table + Self.indexHeader + Self.fanout
            while low < high {
                let middle = (low + high) / 2
                let order = memcmp(start, names + middle * Self.idLength, Self.idLength)
                if order == 0 { return place(of: middle) }
                if order < 0 { high = middle } else { low = middle + 1 }
            }
            return nil
        }
    }

    private func place(of number: Int) -> Place? {
        let checksums = Self.indexHeader + Self.fanout + count * Self.idLength
        let offsets = checksums + count * 4
        let checksum = index.bytes.bigEndian32(at: checksums + number * 4)
        let short = index.bytes.bigEndian32(at: offsets + number * 4)
        guard short & 0x8000_0000 != 0 else { return place(at: UInt64(short), checksum) }
        let long = offsets + count * 4 + Int(short & 0x7fff_ffff) * 8
        guard long + 8 <= index.bytes.count - 2 * Self.idLength else { return nil }
        return place(at: index.bytes.bigEndian64(at: long), checksum)
    }

    private func place(at offset: UInt64, _ checksum: UInt32) -> Place? {
        guard offset >= Self.packHeader, offset < bytes.count else { return nil }
        return Place(offset: Int(offset), checksum: checksum)
    }
}
