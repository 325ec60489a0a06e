import Glibc
import Synchronization
public import SystemPackage

/// A lock that the kernel keeps (flock(2)): free the moment its holder ends, however it ends. It excludes processes and
/// tasks of one process alike. The file is never removed, since that lets two in; the descriptor passes no exec.
public final class FileLock: Sendable {
    /// The file.
    public let path: FilePath
    private let descriptor: Mutex<Int32?>

    private init(path: FilePath, descriptor: Int32) {
        self.path = path
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Takes the lock if it is free; nil where it is held.
    public static func tryAcquire(_ path: FilePath) throws(StoreError) -> FileLock? {
        while true {
            let descriptor = try checked("open", path) {
                path.withPlatformString { open($0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
            }
            // Whoever may read it may hold it. One of an older version was open to all; another user's is not ours to close.
            fchmod(descriptor, 0o600)
            let lock = FileLock(path: path, descriptor: descriptor)
            do throws(StoreError) {
                try checked("lock", path) { flock(descriptor, LOCK_EX | LOCK_NB) }
            } catch .system(_, _, EWOULDBLOCK) {
                return nil
            }
            // A hand, or the app's end, may have put another file in its place meanwhile.
            if let named = path.status(), named.identity == lock.identity { return lock }
        }
    }

    /// Takes the lock, trying every 20 ms.
    ///
    /// - Parameter wait: how long at most; nil for as long as it takes.
    /// - Parameter onWait: called once, when the lock turns out to be held.
    /// - Returns: nil when it was not to be had in time.
    public static func acquire(
        _ path: FilePath, wait: Duration?, onWait: () -> Void = {}
    ) throws(StoreError) -> FileLock? {
        let begin = ContinuousClock.now
        var told = false
        while true {
            if let lock = try tryAcquire(path) { return lock }
            if !told { onWait() }
            told = true
            if let wait, ContinuousClock.now - begin >= wait { return nil }
            usleep(20_000)
        }
    }

    /// Gives the lock back; the second time does nothing. The end of the value does the same.
    public func release() {
        descriptor.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }

    /// Writes a note into the file, for display. It is no part of the lock: a full disk loses the note alone.
    public func note(_ bytes: [UInt8]) {
        descriptor.withLock { descriptor in
            guard let descriptor, ftruncate(descriptor, 0) == 0 else { return }
            _ = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        }
    }

    private var identity: FileIdentity? {
        descriptor.withLock { descriptor in
            var status = stat()
            guard let descriptor, fstat(descriptor, &status) == 0 else { return nil }
            return status.identity
        }
    }
}

extension HostLayout {
    /// Takes the host's lock: for giving out ports, and for changing the host's nginx.
    ///
    /// - Throws: `locked` when it was not to be had in time.
    public func acquireLock(wait: Duration = .seconds(30)) throws(StoreError) -> FileLock {
        try `private`.makeDirectories()
        guard let lock = try FileLock.acquire(hostLock, wait: wait) else { throw .locked(path: hostLock) }
        return lock
    }
}
