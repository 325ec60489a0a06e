import CLibgit2
public import SystemPackage

/// A repository of git, read and changed through libgit2. It belongs to one task.
public final class GitRepository {
    let handle: OpaquePointer
    let objects: ObjectReader
    /// Whether objects may lie in a quarantine, so that no reference must be written.
    let isQuarantined: Bool

    /// Opens the repository at exactly this path, bare or not.
    ///
    /// - Throws: `library` where there is none.
    public convenience init(opening path: FilePath) throws(GitError) {
        try self.init(opening: path.string, flags: GIT_REPOSITORY_OPEN_NO_SEARCH, isQuarantined: false)
    }

    /// Opens the repository that a hook runs for, by `GIT_DIR`, `GIT_OBJECT_DIRECTORY` and the other variables that git
    /// sets for it: the only way to see what was pushed while that is still in quarantine.
    ///
    /// References cannot be set or deleted through it: one that was written for a push that is refused later would
    /// lead to an object that is gone.
    public static func openFromEnvironment() throws(GitError) -> GitRepository {
        try GitRepository(opening: nil, flags: GIT_REPOSITORY_OPEN_FROM_ENV, isQuarantined: true)
    }

    private init(
        opening path: String?, flags: git_repository_open_flag_t, isQuarantined: Bool
    ) throws(GitError) {
        try Library.start()
        var opened: OpaquePointer?
        let function = "git_repository_open_ext"
        try check(git_repository_open_ext(&opened, path, flags.rawValue, nil), function)
        guard let opened else { throw .library(code: -1, function: function, message: "no repository") }
        do throws(GitError) {
            let packs = try PackSet(objects: Self.objectsDirectories(of: opened, isQuarantined: isQuarantined))
            objects = try ObjectReader(repository: opened, packs: packs, bases: Self.basesKept / WorkerThread.useful)
        } catch {
            git_repository_free(opened)
            throw error
        }
        handle = opened
        self.isQuarantined = isQuarantined
    }

    deinit { git_repository_free(handle) }

    /// How many bytes all threads together keep of objects that deltas were applied to.
    static let basesKept = 32 << 20

    private static func objectsDirectories(
        of repository: OpaquePointer, isQuarantined: Bool
    ) throws(GitError) -> [String] {
        let own = try objectsDirectory(of: repository)
        return isQuarantined ? PackSet.directoriesOfEnvironment() + [own] : [own]
    }

    static func objectsDirectory(of repository: OpaquePointer) throws(GitError) -> String {
        var buffer = git_buf()
        defer { git_buf_dispose(&buffer) }
        let function = "git_repository_item_path"
        try check(git_repository_item_path(&buffer, repository, GIT_REPOSITORY_ITEM_OBJECTS), function)
        guard let path = buffer.ptr else { throw .library(code: -1, function: function, message: "no objects") }
        return String(cString: path)
    }

    /// The repository's own directory: `repo.git`, or `.git` of a work tree.
    public var directory: FilePath { FilePath(String(cString: git_repository_path(handle))) }
}
