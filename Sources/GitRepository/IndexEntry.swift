/// A file or symlink that was exported.
public struct IndexEntry: Sendable, Equatable {
    /// The path relative to the release, raw bytes.
    public let path: [UInt8]
    /// `0o100644`, `0o100755` or `0o120000`.
    public let mode: Int
    /// Bytes of the file, or of the symlink's target.
    public let size: Int
    /// The blob's id, 40 hexadecimal digits.
    public let blob: String

    /// An entry.
    public init(path: [UInt8], mode: Int, size: Int, blob: String) {
        self.path = path
        self.mode = mode
        self.size = size
        self.blob = blob
    }
}
