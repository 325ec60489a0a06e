import Glibc

/// A file that no directory lists, and that is gone with this object.
final class UnnamedFile {
    /// `O_TMPFILE` of Linux (asm-generic/fcntl.h), which Glibc's module leaves out.
    private static let unnamed = 0o20_000_000 | O_DIRECTORY

    private let descriptor: Int32

    /// nil where the directory's file system has no such files.
    init?(in directory: Int32) {
        descriptor = openat(directory, ".", Self.unnamed | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// Adds bytes at the end.
    func write(_ bytes: UnsafeRawBufferPointer) throws(GitError) {
        do throws(DirectoryWriter.Failure) {
            try DirectoryWriter.write(bytes, to: descriptor)
        } catch {
            let message = "no room for what it is a delta of: \(String(cString: strerror(error.errno)))"
            throw .library(code: -1, function: error.call, message: message)
        }
    }

    /// What was written.
    var mapped: MappedFile? { MappedFile(descriptor) }
}
