/// How a new release gets the files that it has in common with one on the disk, as the operator wishes it. No way lets
/// what is written to one release be seen in another.
public enum ShareWay: String, Codable, Sendable, CaseIterable {
    /// The fastest that there is: recycling where a release was pruned, else blocks shared where the file system can,
    /// else a whole export.
    case auto
    /// A copy of each file from the live release.
    case copy
    /// Blocks shared with the live release until one is written to: file by file (`FICLONE`; XFS), or all of them in one
    /// step as a snapshot (btrfs, where each release is a subvolume then).
    case reflink
    /// Links to the files of the newest release. The app's services and migrations then see all releases read-only, which
    /// not every service expects: so `auto` does not take it.
    case hardlink
    /// The release that was pruned last becomes the new one, and only what differs is written.
    case recycle
    /// None: each release is exported whole, and what is pruned is gone at once.
    case none

    /// Reads a way by its name.
    public init(_ text: String) throws(InvalidValue) {
        guard let way = ShareWay(rawValue: text) else {
            let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw InvalidValue("way to share", text, "must be one of \(names)", hint: "--share auto")
        }
        self = way
    }
}
