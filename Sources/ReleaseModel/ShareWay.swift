/// How a new release gets the files that it has in common with one on the disk, as the operator wishes it.
public enum ShareWay: String, Codable, Sendable, CaseIterable {
    /// The fastest that the file system and the host allow without sharing a file between releases.
    case auto
    /// A copy of each file from a complete release.
    case copy
    /// Blocks shared with a complete release until one is written to (`FICLONE`; XFS and btrfs).
    case reflink
    /// Files shared with a complete release, which services cannot write to then.
    case hardlink
    /// A release that is needed no longer becomes the new one.
    case recycle

    /// Reads a way by its name.
    public init(_ text: String) throws(InvalidValue) {
        guard let way = ShareWay(rawValue: text) else {
            let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw InvalidValue("way to share", text, "must be one of \(names)", hint: "--share auto")
        }
        self = way
    }
}
