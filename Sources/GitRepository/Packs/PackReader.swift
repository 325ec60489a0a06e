import CLibgit2

/// Reads objects from mapped packs, chains of deltas too. For one thread.
///
/// It answers only where all is as it should be: an object that is loose, missing, very large, or whose bytes in the
/// pack are not those that the index has a checksum of, is left to libgit2.
final class PackReader {
    /// As large as an object that is read may be, and each of those that it is a delta of.
    static let largest = 16 << 20
    /// As long as a chain of deltas may be: what git makes at most (`pack.depth`).
    private static let longest = 4095

    private let packs: [PackFile]
    private let inflater: Inflater
    private var bases: DeltaBases
    private var spare: [ByteBuffer] = []
    private var chain: [Delta] = []
    private var delta = ByteBuffer(count: 0)
    private var lastPack = 0

    private struct Delta {
        let entry: PackEntry
        let offset: Int
    }

    /// - Parameter bases: how many bytes of objects that deltas were applied to are kept.
    init?(_ packs: [PackFile], bases limit: Int) {
        guard !packs.isEmpty, let inflater = Inflater() else { return nil }
        self.packs = packs
        self.inflater = inflater
        bases = DeltaBases(limit: limit)
    }

    /// The kind and size of an object, without reading more than a delta; nil where libgit2 must say it.
    func header(_ id: ObjectID) -> (kind: git_object_t, size: Int)? {
        guard let (number, place) = find(id), let entry = PackEntry(packs[number].bytes, at: place.offset),
            let kind = kind(of: entry, in: number)
        else { return nil }
        if case .whole = entry.form { return (kind, entry.size) }
        guard inflate(entry, in: number) != nil, let read = PackDelta(delta.bytes) else { return nil }
        return (kind, read.resultSize)
    }

    /// Lends an object's bytes for the time of the call; nil where libgit2 must read it, or it is of another kind.
    func withObject<Result>(
        _ id: ObjectID, _ kind: git_object_t, _ body: (UnsafeRawBufferPointer) throws(GitError) -> Result
    ) throws(GitError) -> Result? {
        guard let (number, place) = find(id), let object = read(place, in: number), object.kind == kind else {
            return nil
        }
        let result: Result
        do throws(GitError) {
            result = try body(object.buffer.bytes)
        } catch {
            giveBack(object)
            throw error
        }
        giveBack(object)
        return result
    }

    /// Where the parts of an object are that is too large to be held; nil where libgit2 must read it.
    func large(_ id: ObjectID, _ kind: git_object_t) -> LargeObject? {
        guard let (number, place) = find(id) else { return nil }
        let pack = packs[number]
        var offset = place.offset
        var deltas: [PackEntry] = []
        while let entry = PackEntry(pack.bytes, at: offset), deltas.count <= Self.longest {
            if case .whole(let found) = entry.form {
                guard found == kind else { return nil }
                return LargeObject(pack: pack, place: place, deltas: deltas, whole: entry)
            }
            guard entry.size <= Self.largest, let base = base(of: entry, in: pack) else { return nil }
            deltas.append(entry)
            offset = base
        }
        return nil
    }

    private struct Object {
        let kind: git_object_t
        let buffer: ByteBuffer
        /// Whether the buffer is also kept for deltas, so that nothing else may be written to it.
        let isKept: Bool
    }

    private func find(_ id: ObjectID) -> (Int, PackFile.Place)? {
        if let place = packs[lastPack].find(id) { return (lastPack, place) }
        for number in packs.indices where number != lastPack {
            guard let place = packs[number].find(id) else { continue }
            lastPack = number
            return (number, place)
        }
        return nil
    }

    private func kind(of entry: PackEntry, in number: Int) -> git_object_t? {
        var entry = entry
        for _ in 0...Self.longest {
            if case .whole(let kind) = entry.form { return kind }
            guard let base = base(of: entry, in: packs[number]), let next = PackEntry(packs[number].bytes, at: base)
            else { return nil }
            entry = next
        }
        return nil
    }

    /// Goes up the chain of deltas to an object that is whole or kept, and down again.
    private func read(_ place: PackFile.Place, in number: Int) -> Object? {
        let pack = packs[number]
        chain.removeAll(keepingCapacity: true)
        var offset = place.offset
        while true {
            let key = DeltaBases.Key(pack: number, offset: offset)
            if let base = bases.take(key) {
                guard chain.isEmpty else { return apply(to: base, at: offset, place, in: number) }
                guard isSound(place, to: base.end, in: pack) else { return nil }
                return Object(kind: base.kind, buffer: base.buffer, isKept: true)
            }
            guard let entry = PackEntry(pack.bytes, at: offset), entry.size <= Self.largest else { return nil }
            if case .whole(let kind) = entry.form {
                guard let base = inflated(entry, kind, in: pack) else { return nil }
                guard chain.isEmpty else { return apply(to: base, at: offset, place, in: number) }
                guard isSound(place, to: base.end, in: pack) else { return nil }
                return Object(kind: kind, buffer: base.buffer, isKept: false)
            }
            guard let base = base(of: entry, in: pack) else { return nil }
            chain.append(Delta(entry: entry, offset: offset))
            offset = base
            guard chain.count <= Self.longest else { return nil }
        }
    }

    /// Where the base of a delta begins.
    private func base(of entry: PackEntry, in pack: PackFile) -> Int? {
        switch entry.form {
        case .whole: nil
        case .onOffset(let offset): offset
        case .onID(let id): pack.find(id)?.offset
        }
    }

    private func inflated(_ entry: PackEntry, _ kind: git_object_t, in pack: PackFile) -> DeltaBases.Base? {
        let buffer = take(count: entry.size, isLast: chain.isEmpty)
        let source = UnsafeRawBufferPointer(rebasing: pack.bytes[entry.data...])
        guard let consumed = inflater.inflate(source, into: buffer.mutable) else { return nil }
        return DeltaBases.Base(kind: kind, buffer: buffer, end: entry.data + consumed)
    }

    /// Applies the deltas of the chain, its last one first, each to what the one before gave.
    private func apply(
        to first: DeltaBases.Base, at offset: Int, _ place: PackFile.Place, in number: Int
    ) -> Object? {
        var base = first
        var offset = offset
        while let step = chain.popLast() {
            guard let end = inflate(step.entry, in: number), let read = PackDelta(delta.bytes),
                read.resultSize <= Self.largest
            else { return nil }
            let buffer = take(count: read.resultSize, isLast: chain.isEmpty)
            guard read.apply(to: base.buffer.bytes, into: buffer.mutable) else { return nil }
            bases.keep(base, at: DeltaBases.Key(pack: number, offset: offset))
            base = DeltaBases.Base(kind: base.kind, buffer: buffer, end: end)
            offset = step.offset
        }
        guard isSound(place, to: base.end, in: packs[number]) else { return nil }
        return Object(kind: base.kind, buffer: base.buffer, isKept: false)
    }

    /// Inflates a delta; where its data ends.
    private func inflate(_ entry: PackEntry, in number: Int) -> Int? {
        guard entry.size <= Self.largest else { return nil }
        delta.reset(count: entry.size)
        let source = UnsafeRawBufferPointer(rebasing: packs[number].bytes[entry.data...])
        return inflater.inflate(source, into: delta.mutable).map { entry.data + $0 }
    }

    /// Whether the bytes that stand for an object are those that were there when the index was made. zlib's own checksum
    /// is of the data alone, not of what a delta is applied to.
    private func isSound(_ place: PackFile.Place, to end: Int, in pack: PackFile) -> Bool {
        Inflater.checksum(UnsafeRawBufferPointer(rebasing: pack.bytes[place.offset..<end])) == place.checksum
    }

    /// A buffer that was used before has more bytes than it needs, and so is none that may be kept.
    private func take(count: Int, isLast: Bool) -> ByteBuffer {
        guard isLast, let buffer = spare.popLast() else { return ByteBuffer(count: count) }
        buffer.reset(count: count)
        return buffer
    }

    /// A few buffers are used again, so that most objects need no memory of their own.
    private func giveBack(_ object: Object) {
        guard !object.isKept, spare.count < 4, object.buffer.capacity <= 1 << 20 else { return }
        spare.append(object.buffer)
    }
}
