import CLibgit2

/// The header of an object in a pack.
struct PackEntry {
    /// What stands in the pack.
    enum Form {
        /// The object itself.
        case whole(git_object_t)
        /// A delta on the object that begins at this offset.
        case onOffset(Int)
        /// A delta on this object.
        case onID(ObjectID)
    }

    let form: Form
    /// How many bytes its data has once it is inflated.
    let size: Int
    /// Where the deflated data begins.
    let data: Int

    /// Reads the header that stands at the offset; nil where there is none.
    init?(_ pack: UnsafeRawBufferPointer, at offset: Int) {
        var place = offset
        guard place >= 0, place < pack.count else { return nil }
        var byte = pack[place]
        place += 1
        let type = byte >> 4 & 7
        var size = Int(byte & 15)
        var shift = 4
        while byte & 0x80 != 0 {
            guard place < pack.count, shift < 56 else { return nil }
            byte = pack[place]
            place += 1
            size |= Int(byte & 0x7f) << shift
            shift += 7
        }
        switch type {
        case 1: form = .whole(GIT_OBJECT_COMMIT)
        case 2: form = .whole(GIT_OBJECT_TREE)
        case 3: form = .whole(GIT_OBJECT_BLOB)
        case 4: form = .whole(GIT_OBJECT_TAG)
        case 6:
            guard let distance = Self.distance(pack, &place), distance > 0, distance < offset else { return nil }
            form = .onOffset(offset - distance)
        case 7:
            guard let start = pack.baseAddress, place + 20 <= pack.count else { return nil }
            form = .onID(ObjectID(bytes: start + place))
            place += 20
        default: return nil
        }
        guard place < pack.count else { return nil }
        self.size = size
        data = place
    }

    /// How far before its delta a base begins.
    private static func distance(_ pack: UnsafeRawBufferPointer, _ place: inout Int) -> Int? {
        var distance = 0
        for _ in 0..<8 {
            guard place < pack.count else { return nil }
            let byte = pack[place]
            place += 1
            distance = distance << 7 | Int(byte & 0x7f)
            if byte & 0x80 == 0 { return distance }
            distance += 1
        }
        return nil
    }
}
