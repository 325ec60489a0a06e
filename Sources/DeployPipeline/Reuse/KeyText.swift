import GitRepository

/// The text that a key is the hash of: fields with their names and lengths, so that no two lists of fields give the
/// same one.
struct KeyText {
    private var bytes: [UInt8] = []

    /// - Parameter kind: what the key is for, with a number that changes when its fields do.
    init(_ kind: String) { add(kind, "") }

    mutating func add(_ name: String, _ value: String) { add(name, Array(value.utf8)) }

    mutating func add(_ name: String, _ value: [UInt8]) {
        for part in [Array(name.utf8), value] {
            withUnsafeBytes(of: UInt64(part.count).littleEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: part)
        }
    }

    /// 40 hexadecimal digits. What went in, values of the environment among it, cannot be read from them.
    func key() throws -> String { try ContentID.of(bytes) }
}
