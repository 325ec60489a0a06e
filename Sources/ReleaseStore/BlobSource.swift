/// What git knows of contents, for a store that has no git.
public struct BlobSource: Sendable {
    let identify: @Sendable (UnsafeRawBufferPointer) -> String?
    let read: @Sendable (String) throws -> [UInt8]

    /// A source.
    ///
    /// - Parameters:
    ///   - identify: the id of the blob with some bytes; nil where that cannot be told.
    ///   - read: the bytes of the blob with an id.
    public init(
        identify: @escaping @Sendable (UnsafeRawBufferPointer) -> String?,
        read: @escaping @Sendable (String) throws -> [UInt8]
    ) {
        self.identify = identify
        self.read = read
    }
}
