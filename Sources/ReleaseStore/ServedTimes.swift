import Glibc
public import SystemPackage

/// Keeps files that a site serves apart from the live release's by their times. nginx tells one from the other by the
/// second of its last change and its size alone (`ngx_http_set_etag`): a page of two deploys in one second, alike in
/// size, would be the same to a client that asks whether it has changed.
public struct ServedTimes {
    /// `UTIME_OMIT` of bits/stat.h: that time stays.
    private static let unchanged = (1 << 30) - 2

    private let second: Int

    /// The times of what is written beside the live release.
    ///
    /// - Returns: nil where nothing is live.
    public init?(after store: ReleaseStore) throws(StoreError) {
        guard let live = try store.current(), let index = store.app.release(live).index.status() else { return nil }
        // None of the files that it lists has a later time: it was written after them, or has their time (`stamp`).
        second = index.st_mtim.tv_sec + 1
    }

    /// Gives the index of what was written its time, where that lies ahead.
    public func stamp(_ index: FilePath) throws(StoreError) {
        guard currentTime() < Double(second) else { return }
        _ = try setTime(of: Array(index.string.utf8), in: AT_FDCWD)
    }

    /// Gives a file that was just written a second of its own, where it has one of the live release's.
    ///
    /// - Parameter directory: a descriptor of the release.
    /// - Returns: its entry, as it is now.
    public func setApart(_ file: IndexedFile, in directory: Int32) throws(StoreError) -> IndexedFile {
        guard file.modified / 1_000_000_000 < second, file.mode != 0o120000 else { return file }
        return file.noted(as: try setTime(of: file.path, in: directory))
    }

    private func setTime(of file: [UInt8], in directory: Int32) throws(StoreError) -> stat {
        let path = FilePath(String(decoding: file, as: UTF8.self))
        var times = [timespec(tv_sec: 0, tv_nsec: Self.unchanged), timespec(tv_sec: second, tv_nsec: 0)]
        var status = stat()
        try checked("stamp", path) {
            (file + [0]).withUnsafeBytes { bytes in
                guard let name = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return -1 }
                guard utimensat(directory, name, &times, AT_SYMLINK_NOFOLLOW) == 0 else { return -1 }
                return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW)
            }
        }
        return status
    }
}
