import Glibc
public import ReleaseModel
import SystemPackage

/// Keeps files that a site serves apart from the live release's by their times. nginx tells one from the other by the
/// second of its last change and its size alone (`ngx_http_set_etag`): a page of two deploys in one second, alike in
/// size, would be the same to a client that asks whether it has changed.
public struct ServedTimes {
    /// Deploys that are further apart are told apart by themselves.
    private static let window = 60.0

    /// `UTIME_OMIT` of bits/stat.h: that time stays.
    private static let unchanged = (1 << 30) - 2

    private let second: Int

    /// The times of what is written beside the live release.
    ///
    /// - Returns: nil where nothing is live, or was not for a minute.
    public init?(after store: ReleaseStore) throws(StoreError) {
        guard let live = try store.current(), abs(currentTime() - (try store.information(live).created)) < Self.window,
            let index = IndexTable(reading: store.app.release(live).index)
        else { return nil }
        second = (index.files.map(\.modified).max() ?? 0) / 1_000_000_000 + 1
    }

    /// Gives a file that was just written a second of its own, where it has one of the live release's.
    ///
    /// - Parameter directory: a descriptor of the release.
    /// - Returns: its entry, as it is now.
    public func setApart(_ file: IndexedFile, in directory: Int32) throws(StoreError) -> IndexedFile {
        guard file.modified / 1_000_000_000 < second, file.mode != 0o120000 else { return file }
        let path = FilePath(String(decoding: file.path, as: UTF8.self))
        var times = [timespec(tv_sec: 0, tv_nsec: Self.unchanged), timespec(tv_sec: second, tv_nsec: 0)]
        var status = stat()
        try checked("stamp", path) {
            (file.path + [0]).withUnsafeBytes { bytes in
                guard let name = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return -1 }
                guard utimensat(directory, name, &times, AT_SYMLINK_NOFOLLOW) == 0 else { return -1 }
                return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW)
            }
        }
        return file.noted(as: status)
    }
}
