import CDeflate

/// Inflates what is in memory as a whole, by libdeflate: more than twice as fast as zlib, which takes half of the time
/// of an export. For one thread.
final class Inflater {
    private let handle: OpaquePointer

    /// nil where there is no memory.
    init?() {
        guard let handle = libdeflate_alloc_decompressor() else { return nil }
        self.handle = handle
    }

    deinit { libdeflate_free_decompressor(handle) }

    /// Fills the target from a zlib stream at the beginning of the source.
    ///
    /// - Returns: how many bytes the stream has; nil where it is damaged, or does not fill the target exactly.
    func inflate(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int? {
        var consumed = 0
        var filled = 0
        let result = libdeflate_zlib_decompress_ex(
            handle, source.baseAddress, source.count, target.baseAddress, target.count, &consumed, &filled)
        return result == LIBDEFLATE_SUCCESS && filled == target.count ? consumed : nil
    }

    /// The CRC-32 that a pack's index has for an object's bytes.
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        libdeflate_crc32(0, bytes.baseAddress, bytes.count)
    }
}
