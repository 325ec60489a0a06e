import Glibc
public import SystemPackage

extension FilePath {
    /// What is there, a link followed unless told otherwise; nil where nothing can be reached.
    func status(following: Bool = true) -> Glibc.stat? {
        var status = Glibc.stat()
        let result = withPlatformString { fstatat(AT_FDCWD, $0, &status, following ? 0 : AT_SYMLINK_NOFOLLOW) }
        return result == 0 ? status : nil
    }

    /// Where the link leads that it is, byte for byte; nil where it is none.
    public var linkTarget: FilePath? {
        var buffer = [CChar](repeating: 0, count: 4097)
        let length = withPlatformString { readlink($0, &buffer, buffer.count - 1) }
        return length > 0 ? FilePath(platformString: buffer) : nil
    }

    /// The path of something in it.
    ///
    /// - Parameter path: relative, of any bytes.
    public func appending(bytes path: [UInt8]) -> FilePath {
        pushing(FilePath(bytes: path))
    }

    init(bytes: [UInt8]) { self.init(platformString: bytes.map(CChar.init(bitPattern:)) + [0]) }

    /// The directory that it is in; `.` for a bare name.
    var directory: FilePath {
        let above = removingLastComponent()
        return above.isEmpty ? "." : above
    }

    var isRegularFile: Bool { status(following: false)?.isFile ?? false }
    /// A directory itself, not a link to one.
    var isRealDirectory: Bool { status(following: false)?.isDirectory ?? false }

    /// Makes a directory of exactly that mode, those above it too (0755), and returns when they are on the disk.
    /// One that is there already stays as it is.
    ///
    /// - Parameter durable: whether to wait for the disk; not needed in a partial, which is synced as a whole.
    /// - Returns: whether the last one was made.
    @discardableResult
    public func makeDirectories(
        mode: CInterop.Mode = 0o755, durable: Bool = true
    ) throws(StoreError) -> Bool {
        guard let name = lastName else { return false }
        if let status = status() {
            if status.isDirectory { return false }
            throw .system(action: "make", path: self, code: ENOTDIR)
        }
        try directory.makeDirectories(durable: durable)
        let parent = try Directory(opening: directory)
        let made = try parent.makeDirectory(name, mode: mode)
        if made, durable { try parent.sync() }
        return made
    }
}
