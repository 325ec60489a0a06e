import CLinux
import ReleaseModel
public import SystemPackage

/// What the times of files are worth.
public enum FileStamps {
    /// `TMPFS_MAGIC` and `RAMFS_MAGIC` of linux/magic.h.
    private static let blind: Set<Int> = [0x0102_1994, 0x8584_58f6]

    /// Whether a file shows by its times that it was written to. In memory it need not: tmpfs leaves them as they are
    /// where a mapping is written to that was read before (mmap(2) asks for no more than msync(2) would bring).
    public static func showWrites(at path: FilePath) -> Bool {
        !blind.contains(path.withPlatformString { Int(file_system_kind($0)) })
    }
}

extension ReleaseStore {
    /// Whether the files of a release show by their times whatever was written to them: also where times do not tell,
    /// if nothing of the app ever ran in it.
    ///
    /// - Parameter release: its directory.
    public func showsWrites(in release: FilePath) -> Bool {
        guard !FileStamps.showWrites(at: app.releases) else { return true }
        guard let manifest = try? JSONFile.require(Manifest.self, from: ReleaseLayout(root: release).manifest) else {
            return false
        }
        return manifest.build.isEmpty && manifest.services.isEmpty && manifest.migrate == nil
    }
}
