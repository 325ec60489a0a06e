import CLibgit2
import CZlib
import Glibc

/// An object in a pack that is too large to be held: it is inflated a piece at a time. What it is a delta of is written
/// to a file without a name, and mapped.
struct LargeObject {
    let pack: PackFile
    let place: PackFile.Place
    /// The deltas, the object's own first.
    let deltas: [PackEntry]
    /// What the last of them is applied to; the object itself where there is none.
    let whole: PackEntry

    private typealias Receiver = (UnsafeRawBufferPointer) throws(GitError) -> Void
    private static let pieceSize = 256 << 10

    /// Passes the object on.
    ///
    /// - Parameter directory: where room is for what it is a delta of.
    /// - Returns: whether all of it was there and sound; where not, what was passed on says nothing.
    func stream(
        by directory: Int32, to receive: (UnsafeRawBufferPointer) throws(GitError) -> Void
    ) throws(GitError) -> Bool {
        guard !deltas.isEmpty else {
            guard let end = try inflate(to: receive) else { return false }
            return isSound(to: end)
        }
        guard let first = UnnamedFile(in: directory), try inflate(to: first.write) != nil, let inflater = Inflater()
        else { return false }
        var base = first
        for (number, entry) in deltas.enumerated().reversed() {
            let bytes = ByteBuffer(count: entry.size)
            let source = UnsafeRawBufferPointer(rebasing: pack.bytes[entry.data...])
            guard let consumed = inflater.inflate(source, into: bytes.mutable), let delta = PackDelta(bytes.bytes)
            else { return false }
            guard number > 0 else {
                guard isSound(to: entry.data + consumed) else { return false }
                return try apply(delta, to: base, receive)
            }
            guard let next = UnnamedFile(in: directory), try apply(delta, to: base, next.write) else { return false }
            base = next
        }
        return false
    }

    /// Inflates what is whole; where its data ends, nil where it is damaged.
    private func inflate(to receive: Receiver) throws(GitError) -> Int? {
        let piece = ByteBuffer(count: Self.pieceSize)
        var stream = z_stream()
        guard inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        var place = whole.data
        var total = 0
        var result = Z_OK
        while result == Z_OK {
            // zlib counts in 32 bits.
            let source = UnsafeRawBufferPointer(rebasing: pack.bytes[place..<min(place + (1 << 20), pack.bytes.count)])
            stream.next_in = UnsafeMutablePointer(mutating: source.assumingMemoryBound(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(source.count)
            stream.next_out = piece.mutable.assumingMemoryBound(to: UInt8.self).baseAddress
            stream.avail_out = UInt32(piece.count)
            result = CZlib.inflate(&stream, Z_NO_FLUSH)
            let made = piece.count - Int(stream.avail_out)
            place += source.count - Int(stream.avail_in)
            total += made
            guard total <= whole.size else { return nil }
            if made > 0 { try receive(UnsafeRawBufferPointer(rebasing: piece.bytes[..<made])) }
        }
        return result == Z_STREAM_END && total == whole.size ? place : nil
    }

    private func apply(_ delta: PackDelta, to file: UnnamedFile, _ receive: Receiver) throws(GitError) -> Bool {
        guard let base = file.mapped, base.bytes.count == delta.baseSize else { return false }
        let piece = ByteBuffer(count: Self.pieceSize)
        var filled = 0
        var total = 0
        var place = 0
        while place < delta.instructions.count {
            guard var source = delta.next(&place, base.bytes), total + source.count <= delta.resultSize else {
                return false
            }
            total += source.count
            while !source.isEmpty {
                let part = min(source.count, piece.count - filled)
                UnsafeMutableRawBufferPointer(rebasing: piece.mutable[filled...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<part]))
                source = UnsafeRawBufferPointer(rebasing: source[part...])
                filled += part
                guard filled == piece.count else { continue }
                try receive(piece.bytes)
                filled = 0
            }
        }
        if filled > 0 { try receive(UnsafeRawBufferPointer(rebasing: piece.bytes[..<filled])) }
        return total == delta.resultSize
    }

    private func isSound(to end: Int) -> Bool {
        Inflater.checksum(UnsafeRawBufferPointer(rebasing: pack.bytes[place.offset..<end])) == place.checksum
    }
}
