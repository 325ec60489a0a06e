import Glibc

/// A delta of a pack, inflated: what to copy from a base and what to add. Every number in it is checked.
struct PackDelta {
    /// How many bytes the base must have.
    let baseSize: Int
    /// How many bytes the result has.
    let resultSize: Int
    let instructions: UnsafeRawBufferPointer

    /// Reads the two sizes at the delta's beginning; nil where they are not there.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var place = 0
        guard let base = Self.size(bytes, &place), let result = Self.size(bytes, &place) else { return nil }
        baseSize = base
        resultSize = result
        instructions = UnsafeRawBufferPointer(rebasing: bytes[place...])
    }

    private static func size(_ bytes: UnsafeRawBufferPointer, _ place: inout Int) -> Int? {
        var size = 0
        for shift in stride(from: 0, to: 56, by: 7) {
            guard place < bytes.count else { return nil }
            let byte = bytes[place]
            place += 1
            size |= Int(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return size }
        }
        return nil
    }

    /// Writes the result; false where the delta does not fit the base, or is damaged.
    func apply(to base: UnsafeRawBufferPointer, into result: UnsafeMutableRawBufferPointer) -> Bool {
        guard base.count == baseSize, result.count == resultSize else { return false }
        guard let target = result.baseAddress else { return resultSize == 0 }
        var place = 0
        var filled = 0
        while place < instructions.count {
            guard let source = next(&place, base), let start = source.baseAddress,
                filled + source.count <= result.count
            else { return false }
            memcpy(target + filled, start, source.count)
            filled += source.count
        }
        return filled == result.count
    }

    /// The bytes that the instruction at a place adds to the result, from the base or the delta, which moves the place to
    /// the next one; nil where it is damaged.
    @inline(__always)
    func next(_ place: inout Int, _ base: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let command = instructions[place]
        place += 1
        if command & 0x80 != 0 {
            guard let (offset, length) = copied(command, &place), offset + length <= base.count else { return nil }
            return UnsafeRawBufferPointer(rebasing: base[offset..<offset + length])
        }
        let length = Int(command)
        guard length > 0, place + length <= instructions.count else { return nil }
        defer { place += length }
        return UnsafeRawBufferPointer(rebasing: instructions[place..<place + length])
    }

    /// Offset and length of a copy: a bit of the command for each byte that stands in the delta.
    @inline(__always)
    private func copied(_ command: UInt8, _ place: inout Int) -> (offset: Int, length: Int)? {
        var offset = 0
        var length = 0
        for number in 0..<7 where command & (1 << UInt8(number)) != 0 {
            guard place < instructions.count else { return nil }
            let byte = Int(instructions[place])
            place += 1
            if number < 4 { offset |= byte << (number * 8) } else { length |= byte << ((number - 4) * 8) }
        }
        return (offset, length == 0 ? 0x10000 : length)
    }
}
