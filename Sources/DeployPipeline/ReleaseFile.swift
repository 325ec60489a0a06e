import Glibc
import ReleaseModel
import SystemPackage

/// Files inside a release under construction, reached by directory descriptors: no component may be a link, whatever
/// a pushed tree or a build has put there.
enum ReleaseFile {
    static func read(_ path: ReleasePath, in root: FilePath) throws -> [UInt8] {
        let directory = try descend(path.components.dropLast(), in: root, making: false)
        defer { try? directory.close() }
        // A fifo would wait for a writer.
        let file = try openAt(directory, path.components.last ?? ".", O_RDONLY | O_NONBLOCK, mode: 0)
        defer { try? file.close() }
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Errno.invalidArgument }
        return try readAll(file)
    }

    /// Writes a file, in place of what has its name; directories on the way are made.
    static func write(_ bytes: [UInt8], to path: ReleasePath, in root: FilePath, mode: FilePermissions) throws {
        let directory = try descend(path.components.dropLast(), in: root, making: true)
        defer { try? directory.close() }
        let name = path.components.last ?? "."
        if unlinkat(directory.rawValue, name, 0) != 0, errno != ENOENT { throw Errno(rawValue: errno) }
        let file = try openAt(directory, name, O_WRONLY | O_CREAT | O_EXCL, mode: mode.rawValue)
        defer { try? file.close() }
        try file.writeAll(bytes)
    }

    /// The text of a file; nil where it cannot be read.
    static func text(_ path: FilePath) -> String? {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        return (try? readAll(file)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether there is a directory, no link, at a path.
    static func isDirectory(_ path: ReleasePath, in root: FilePath) -> Bool {
        guard let directory = try? descend(path.components[...], in: root, making: false) else { return false }
        try? directory.close()
        return true
    }

    /// Opens the directory at the end of some components, step by step.
    static func descend(_ components: ArraySlice<String>, in root: FilePath, making: Bool) throws -> FileDescriptor {
        var directory = try FileDescriptor.open(root, .readOnly, options: [.directory, .noFollow, .closeOnExec])
        for name in components {
            let parent = directory
            defer { try? parent.close() }
            if making, mkdirat(parent.rawValue, name, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
            directory = try openAt(parent, name, O_RDONLY | O_DIRECTORY, mode: 0)
        }
        return directory
    }

    private static func openAt(
        _ directory: FileDescriptor, _ name: String, _ flags: Int32, mode: mode_t
    ) throws -> FileDescriptor {
        while true {
            let descriptor = openat(directory.rawValue, name, flags | O_NOFOLLOW | O_CLOEXEC, mode)
            if descriptor >= 0 { return FileDescriptor(rawValue: descriptor) }
            guard errno == EINTR else { throw Errno(rawValue: errno) }
        }
    }

    private static func readAll(_ file: FileDescriptor) throws -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
            if count == 0 { return result }
            result.append(contentsOf: buffer[..<count])
        }
    }
}
