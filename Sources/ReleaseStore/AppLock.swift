import Glibc
import ReleaseModel
import SystemPackage

/// The lock of an app: whoever changes its releases, links, slots or services holds it. Dashboards and lists do not.
public final class AppLock: Sendable {
    private let lock: FileLock

    private init(_ lock: FileLock) { self.lock = lock }

    deinit { release() }

    /// Takes the app's lock, trying every 20 ms.
    ///
    /// - Parameter wait: how long at most; nil for as long as it takes, zero for one try.
    /// - Parameter holding: what for, as others are told meanwhile: `deploy 118`.
    /// - Parameter who: for whom; the local user unless told.
    /// - Parameter onWait: called once when the lock is held, with who holds it where that is known.
    /// - Returns: nil when it was not to be had in time.
    /// - Throws: `unknownApp` where the app is not there.
    public static func acquire(
        _ app: AppLayout, wait: Duration?, holding what: String, who: String? = nil,
        onWait: (LockHolder?) -> Void = { _ in }
    ) throws(StoreError) -> AppLock? {
        guard app.root.status()?.isDirectory == true else { throw .unknownApp(app.name, known: try app.host.apps()) }
        guard let lock = try FileLock.acquire(app.lock, wait: wait, onWait: { onWait(Self.holder(of: app)) }) else {
            return nil
        }
        let note = LockHolder(who: who ?? localUser, process: .current(), what: what, since: currentTime())
        if let bytes = try? JSONFile.bytes(note, for: app.lock) { lock.note(bytes) }
        return AppLock(lock)
    }

    /// Takes the app's lock if it is free; nil where it is held.
    public static func tryAcquire(
        _ app: AppLayout, holding what: String, who: String? = nil
    ) throws(StoreError) -> AppLock? {
        try acquire(app, wait: .zero, holding: what, who: who)
    }

    /// Who holds the app's lock, as far as the note in it tells; nil where its writer has given it back or ended.
    public static func holder(of app: AppLayout) -> LockHolder? {
        let holder = try? JSONFile.read(LockHolder.self, from: app.lock)
        return holder?.process.isAlive == true ? holder : nil
    }

    /// Gives the lock back; the second time does nothing. The end of the value does the same.
    public func release() {
        lock.note([])
        lock.release()
    }

    /// The name of the user that this process runs as.
    public static var localUser: String {
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "uid \(getuid())" }
        return String(cString: name)
    }
}
