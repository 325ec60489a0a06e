import Glibc

/// Memory that a reader fills, at most once for each use, and uses again. Bytes are not cleared.
final class ByteBuffer {
    private var start: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    /// - Parameter count: how many bytes it has.
    init(count: Int) {
        capacity = max(count, 64)
        start = .allocate(byteCount: capacity, alignment: 16)
        self.count = count
    }

    deinit { start.deallocate() }

    /// Gives it another number of bytes; what was in it is gone.
    func reset(count: Int) {
        if count > capacity {
            start.deallocate()
            capacity = count
            start = .allocate(byteCount: capacity, alignment: 16)
        }
        self.count = count
    }

    var mutable: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: start, count: count) }
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }
}
