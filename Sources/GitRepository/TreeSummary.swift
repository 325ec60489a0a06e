/// What a tree holds, counted as it would be written.
public struct TreeSummary: Sendable, Equatable {
    /// Files, executable or not.
    public var files: Int
    /// Directories below the root.
    public var directories: Int
    /// Symlinks.
    public var symlinks: Int
    /// The bytes of all files.
    public var bytes: Int
    /// Files that are pointers of Git LFS: the app gets the pointer, not what it points to.
    public var lfsPointers: Int

    /// Nothing, unless numbers are given.
    public init(files: Int = 0, directories: Int = 0, symlinks: Int = 0, bytes: Int = 0, lfsPointers: Int = 0) {
        self.files = files
        self.directories = directories
        self.symlinks = symlinks
        self.bytes = bytes
        self.lfsPointers = lfsPointers
    }

    /// How many inodes it takes.
    public var entries: Int { files + directories + symlinks }
}
