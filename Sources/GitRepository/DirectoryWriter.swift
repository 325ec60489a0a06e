import Glibc

/// Makes entries in one open directory. Nothing that is there already is opened, followed or replaced, and no path is
/// put together: a name is looked up in the directory that its descriptor holds.
struct DirectoryWriter: Sendable {
    /// A system call that failed, before it is known for which path.
    struct Failure: Error {
        let errno: Int32
        let call: String
    }

    let descriptor: Int32

    /// Makes a directory of mode 0755 and opens it; the caller closes it.
    func makeDirectory(_ name: UnsafePointer<CChar>) throws(Failure) -> DirectoryWriter {
        try Self.retry("mkdirat") { mkdirat(descriptor, name, 0o700) }
        let made = try Self.retry("openat") {
            openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        do throws(Failure) {
            try Self.retry("fchmod") { fchmod(made, 0o755) }
        } catch {
            close(made)
            throw error
        }
        return DirectoryWriter(descriptor: made)
    }

    /// Makes a file with the mode, whatever the umask; the mode is set once more only where it came out otherwise.
    func file(
        _ name: UnsafePointer<CChar>, _ bytes: UnsafeRawBufferPointer, mode: mode_t
    ) throws(Failure) -> FileStamp {
        let file = try create(name, mode: mode)
        do throws(Failure) {
            try Self.write(bytes, to: file)
        } catch {
            close(file)
            throw error
        }
        return try finish(file, mode: mode)
    }

    /// Makes an empty file and opens it for writing; the caller gives it to `finish`, or closes it.
    func create(_ name: UnsafePointer<CChar>, mode: mode_t) throws(Failure) -> Int32 {
        try Self.retry("openat") {
            openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        }
    }

    /// Takes all back that was written to a file.
    func empty(_ file: Int32) throws(Failure) {
        try Self.retry("ftruncate") { ftruncate(file, 0) }
        try Self.retry("lseek") { lseek(file, 0, SEEK_SET) }
    }

    /// Closes a file that was written.
    func finish(_ file: Int32, mode: mode_t) throws(Failure) -> FileStamp {
        var status = stat()
        do throws(Failure) {
            try Self.retry("fstat") { fstat(file, &status) }
            if status.st_mode & 0o7777 != mode {
                try Self.retry("fchmod") { fchmod(file, mode) }
                try Self.retry("fstat") { fstat(file, &status) }
            }
        } catch {
            close(file)
            throw error
        }
        // Linux has closed it even where it says EINTR; every other answer is a write that failed late.
        guard close(file) == 0 || errno == EINTR else { throw Failure(errno: errno, call: "close") }
        return FileStamp(status)
    }

    /// Makes a symlink.
    func link(_ name: UnsafePointer<CChar>, to target: [UInt8]) throws(Failure) -> FileStamp {
        let text = target.map { CChar(bitPattern: $0) } + [0]
        try Self.retry("symlinkat") { symlinkat(text, descriptor, name) }
        var status = stat()
        try Self.retry("fstatat") { fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) }
        return FileStamp(status)
    }

    /// Writes all of the bytes behind those that are there.
    static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32) throws(Failure) {
        var rest = bytes
        while !rest.isEmpty {
            let written = try Self.retry("write") { Glibc.write(file, rest.baseAddress, rest.count) }
            guard written > 0 else { throw Failure(errno: EIO, call: "write") }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    @discardableResult
    private static func retry<Value: SignedInteger>(_ name: String, _ call: () -> Value) throws(Failure) -> Value {
        while true {
            let result = call()
            if result >= 0 { return result }
            guard errno == EINTR else { throw Failure(errno: errno, call: name) }
        }
    }
}
