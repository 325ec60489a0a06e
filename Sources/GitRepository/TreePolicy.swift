/// What a tree may hold at most. Names and modes are checked whatever the limits.
public struct TreePolicy: Sendable, Equatable {
    /// Files, links and directories, a shared subtree counted each time it appears.
    public var entries: Int
    /// Bytes of all files together.
    public var bytes: Int
    /// Levels of directories.
    public var depth: Int
    /// Bytes of one name; ext4's limit is 255.
    public var nameLength: Int
    /// Bytes of one path; Linux's `PATH_MAX` is 4,096 with the final NUL.
    public var pathLength: Int

    /// 500,000 entries, 64 GiB, 128 levels, names of 255 and paths of 4,000 bytes.
    public static let standard = TreePolicy(
        entries: 500_000, bytes: 64 << 30, depth: 128, nameLength: 255, pathLength: 4000)

    /// A policy of one's own.
    public init(entries: Int, bytes: Int, depth: Int, nameLength: Int, pathLength: Int) {
        self.entries = entries
        self.bytes = bytes
        self.depth = depth
        self.nameLength = nameLength
        self.pathLength = pathLength
    }
}

/// How large a tree is.
public struct TreeSummary: Sendable, Equatable {
    /// Files and links.
    public var files = 0
    /// Directories below the root.
    public var directories = 0
    /// Symbolic links.
    public var symlinks = 0
    /// Bytes of all files; a link counts its target's length.
    public var bytes = 0
    /// An empty tree's.
    public init() {}
}
