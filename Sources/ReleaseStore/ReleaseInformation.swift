public import ReleaseModel
public import SystemPackage

/// Where a release comes from; `.pmo/release.json`, which makes a directory a release.
public struct ReleaseInformation: Codable, Sendable, Equatable {
    /// Which release.
    public var id: ReleaseID
    /// The first line of the commit's message, raw.
    public var subject: String
    /// The commit's author, raw.
    public var author: String
    /// When the commit was made, in seconds since 1970.
    public var commitTime: Double
    /// Who pushed it.
    public var who: String
    /// The deploy that made it.
    public var deploy: Int
    /// The branch that it came by.
    public var branch: String
    /// When it was begun, in seconds since 1970.
    public var created: Double
    /// How many files were exported.
    public var files: Int
    /// How many bytes were exported.
    public var bytes: Int
    /// What the inspection of its tree found, so that the next one is by difference; nil in releases of older versions.
    public var tree: TreeRecord?
    /// What `git describe` says of the commit.
    public var describe: String?
    /// When it was complete, in seconds since 1970.
    public var built: Double?
    /// How long it took to make, in seconds.
    public var durationSeconds: Double?

    /// A release that is being made.
    public init(
        id: ReleaseID, subject: String, author: String, commitTime: Double, who: String, deploy: Int, branch: String,
        created: Double, files: Int, bytes: Int, tree: TreeRecord? = nil, describe: String? = nil, built: Double? = nil,
        durationSeconds: Double? = nil
    ) {
        self.id = id
        self.subject = subject
        self.author = author
        self.commitTime = commitTime
        self.who = who
        self.deploy = deploy
        self.branch = branch
        self.created = created
        self.files = files
        self.bytes = bytes
        self.tree = tree
        self.describe = describe
        self.built = built
        self.durationSeconds = durationSeconds
    }

    /// The information in a file.
    public static func load(from path: FilePath) throws(StoreError) -> ReleaseInformation {
        try JSONFile.require(Self.self, from: path)
    }

    /// Writes the information below `.pmo` of a release or partial.
    public func save(to release: ReleaseLayout) throws(StoreError) {
        try release.write(json: self, to: "release.json")
    }
}

/// What the inspection of a release's tree found.
public struct TreeRecord: Codable, Sendable, Equatable {
    /// Files, executable or not.
    public var files: Int
    /// Directories below the root that are written.
    public var directories: Int
    /// Symlinks.
    public var symlinks: Int
    /// The bytes of all files.
    public var bytes: Int
    /// Files that are pointers of Git LFS.
    public var lfsPointers: Int
    /// All entries, those of directories without a file too.
    public var counted: Int
    /// Submodules that stand as empty directories.
    public var submodules: Int
    /// The policy that it has passed, as it describes itself; another one has to look at the whole tree again.
    public var policy: String

    /// A record of its parts.
    public init(
        files: Int, directories: Int, symlinks: Int, bytes: Int, lfsPointers: Int, counted: Int,
        submodules: Int, policy: String
    ) {
        self.files = files
        self.directories = directories
        self.symlinks = symlinks
        self.bytes = bytes
        self.lfsPointers = lfsPointers
        self.counted = counted
        self.submodules = submodules
        self.policy = policy
    }
}
