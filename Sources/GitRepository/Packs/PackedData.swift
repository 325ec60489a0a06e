import CZlib
import Glibc

/// The data of one object in a pack, to be inflated a piece at a time: for an object that is too large to be held.
struct PackedData {
    let pack: PackFile
    let offset: Int
    let entry: PackEntry
    let checksum: UInt32

    /// Inflates, and passes each piece on.
    ///
    /// - Returns: whether all of it was there and sound; where not, what was passed on says nothing.
    func stream(_ receive: (UnsafeRawBufferPointer) throws(GitError) -> Void) throws(GitError) -> Bool {
        let piece = ByteBuffer(count: 256 << 10)
        var stream = z_stream()
        guard inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return false }
        defer { inflateEnd(&stream) }
        var place = entry.data
        var total = 0
        var result = Z_OK
        while result == Z_OK {
            // zlib counts in 32 bits.
            let source = pack.bytes[place..<min(place + (1 << 20), pack.bytes.count)]
            stream.next_in = UnsafeMutablePointer(
                mutating: UnsafeRawBufferPointer(rebasing: source).assumingMemoryBound(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(source.count)
            stream.next_out = piece.mutable.assumingMemoryBound(to: UInt8.self).baseAddress
            stream.avail_out = UInt32(piece.count)
            result = CZlib.inflate(&stream, Z_NO_FLUSH)
            let made = piece.count - Int(stream.avail_out)
            place += source.count - Int(stream.avail_in)
            total += made
            guard total <= entry.size else { return false }
            if made > 0 { try receive(UnsafeRawBufferPointer(rebasing: piece.bytes[..<made])) }
        }
        guard result == Z_STREAM_END, total == entry.size else { return false }
        return Inflater.checksum(UnsafeRawBufferPointer(rebasing: pack.bytes[offset..<place])) == checksum
    }
}
