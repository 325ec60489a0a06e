/// How large a tree may be. The rules that have no number are the same for every app (see `TreeRule`).
public struct TreePolicy: Sendable, Equatable {
    /// How many files, symlinks and directories in all, counted as often as they would be written.
    public var entries: Int
    /// How many bytes all files have together, counted as often as they would be written.
    public var bytes: Int
    /// How many bytes a file may have; a file is held in memory while it is written.
    public var largestFile: Int
    /// How many names a path may have.
    public var depth: Int
    /// How many bytes a name may have; NAME_MAX of the usual file systems.
    public var nameLength: Int
    /// How many bytes a path may have; PATH_MAX of Linux.
    public var pathLength: Int

    /// 500,000 entries, 64 GiB, files of 256 MiB, depth 128, names of 255 bytes, paths of 4,096.
    public static let standard = TreePolicy()

    /// The standard's limits, where no other is given.
    public init(
        entries: Int = 500_000, bytes: Int = 64 << 30, largestFile: Int = 256 << 20, depth: Int = 128,
        nameLength: Int = 255, pathLength: Int = 4096
    ) {
        self.entries = entries
        self.bytes = bytes
        self.largestFile = largestFile
        self.depth = depth
        self.nameLength = nameLength
        self.pathLength = pathLength
    }
}
