public import ReleaseModel

/// How large a tree may be, and whether it may have submodules. The other rules are the same for every app (see `TreeRule`).
public struct TreePolicy: Sendable, Equatable {
    /// How many files, symlinks and directories in all, counted as often as they would be written.
    public var entries: Int
    /// How many bytes all files have together, counted as often as they would be written.
    public var bytes: Int
    /// How many bytes a file may have.
    public var largestFile: Int
    /// How many names a path may have.
    public var depth: Int
    /// How many bytes a name may have; NAME_MAX of the usual file systems.
    public var nameLength: Int
    /// How many bytes a path may have; PATH_MAX of Linux.
    public var pathLength: Int
    /// What becomes of a submodule.
    public var submodules: SubmoduleRule

    /// The number of the rules that `TreeInspector` and `NameRules` hold; another one for every change of them.
    private static let rules = 1

    /// What a tree has passed that has passed this policy; a text that no other policy or set of rules has.
    public var fingerprint: String { "\(Self.rules) \(self)" }

    /// 500,000 entries, 64 GiB, files of 4 GiB, depth 128, names of 255 bytes, paths of 4,096, no submodules.
    public static let standard = TreePolicy()

    /// The standard's limits, where no other is given.
    public init(
        entries: Int = 500_000, bytes: Int = 64 << 30, largestFile: Int = 4 << 30, depth: Int = 128,
        nameLength: Int = 255, pathLength: Int = 4096, submodules: SubmoduleRule = .refuse
    ) {
        self.entries = entries
        self.bytes = bytes
        self.largestFile = largestFile
        self.depth = depth
        self.nameLength = nameLength
        self.pathLength = pathLength
        self.submodules = submodules
    }
}
