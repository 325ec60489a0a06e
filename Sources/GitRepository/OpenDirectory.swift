import Glibc

/// A directory that is being filled. Slices of its entries share it, so that its descriptor closes with its last user,
/// on whichever thread that is.
final class OpenDirectory: Sendable {
    let writer: DirectoryWriter
    /// Where it is in the release, with a `/` at its end; empty for the root.
    let path: [UInt8]
    private let isOwned: Bool

    /// The directory that the whole release goes into, or another that the caller has opened and will close.
    init(root descriptor: Int32, at path: [UInt8] = []) {
        writer = DirectoryWriter(descriptor: descriptor)
        self.path = path
        isOwned = false
    }

    /// A directory that was made, with a descriptor that is this object's to close.
    init(_ writer: DirectoryWriter, at path: [UInt8]) {
        self.writer = writer
        self.path = path
        isOwned = true
    }

    deinit {
        if isOwned { close(writer.descriptor) }
    }
}
