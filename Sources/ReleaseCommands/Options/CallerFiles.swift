import Glibc
import ReleaseStore
import Synchronization
import SystemPackage

/// Files that a command line names, as whoever typed it can read them: root's are opened before this process becomes the
/// owner of the home, who could not.
enum CallerFiles {
    /// Commands that read files which belong to no home.
    private static let verbs: Set<[String]> = [["cert", "install"], ["env", "import"], ["maintenance", "on"]]
    private static let opened = Mutex<[String: FileDescriptor]>([:])

    /// Opens what the arguments of such a command name and this process can read.
    static func open(namedIn arguments: [String]) {
        guard verbs.contains(Array(arguments.prefix(2))) else { return }
        for word in arguments.dropFirst(2) {
            let name = word.hasPrefix("--") ? String(word.drop { $0 != "=" }.dropFirst()) : word
            guard !name.isEmpty, name != "-", let file = try? openRegular(name) else { continue }
            opened.withLock { $0.updateValue(file, forKey: name).map { _ = try? $0.close() } }
        }
    }

    /// A file from its start; the caller closes it.
    static func open(_ name: String) throws(Errno) -> FileDescriptor {
        guard let kept = opened.withLock({ $0[name] }) else {
            do { return try FileDescriptor.open(FilePath(name), .readOnly, options: .closeOnExec) } catch {
                throw error as? Errno ?? .ioError
            }
        }
        let copy = fcntl(kept.rawValue, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, lseek(copy, 0, SEEK_SET) == 0 else { throw Errno(rawValue: errno) }
        return FileDescriptor(rawValue: copy)
    }

    /// The bytes of a file.
    ///
    /// - Parameter limit: how many there may be.
    /// - Throws: `StoreError.system`; with `EFBIG` where there are more.
    static func read(_ name: String, limit: Int) throws(StoreError) -> [UInt8] {
        do {
            let file = try open(name)
            defer { try? file.close() }
            return try read(file, limit: limit)
        } catch {
            throw .system(action: "read", path: FilePath(name), code: (error as? Errno)?.rawValue ?? EIO)
        }
    }

    /// The bytes of what is open; `Errno.fileTooLarge` where there are more than so many.
    static func read(_ file: FileDescriptor, limit: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while result.count <= limit {
            let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
            if count == 0 { return result }
            result.append(contentsOf: buffer[..<count])
        }
        throw Errno.fileTooLarge
    }

    private static func openRegular(_ name: String) throws -> FileDescriptor? {
        let file = try FileDescriptor.open(FilePath(name), .readOnly, options: [.closeOnExec, .nonBlocking])
        var status = stat()
        guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            try file.close()
            return nil
        }
        return file
    }
}
