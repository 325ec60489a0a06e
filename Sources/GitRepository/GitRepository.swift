import CLibgit2
public import ReleaseModel
public import SystemPackage

/// A bare repository, read and written through libgit2. Handles stay inside; values come out.
///
/// Not `Sendable`: libgit2's handles belong to one task at a time.
public final class GitRepository {
    let handle: OpaquePointer
    /// Whether refs may be written: not while a push is in quarantine, where libgit2 would write them and so corrupt
    /// the receiver when the push is refused.
    private let isQuarantined: Bool

    private init(handle: OpaquePointer, isQuarantined: Bool) {
        self.handle = handle
        self.isQuarantined = isQuarantined
    }

    deinit { git_repository_free(handle) }

    private static let library: Void = {
        git_libgit2_init()
        _ = pmo_git_trust_receiver()
    }()

    /// Opens the bare repository at a path.
    ///
    /// - Throws: libgit2's refusal.
    public convenience init(opening path: FilePath) throws(GitError) {
        _ = Self.library
        var handle: OpaquePointer?
        let code = git_repository_open_bare(&handle, path.string)
        guard code == 0, let handle else { throw GitError.last(code, "git_repository_open_bare") }
        self.init(handle: handle, isQuarantined: false)
    }

    /// Opens the repository that git's environment names, with the objects of a push in quarantine
    /// (`GIT_DIR`, `GIT_QUARANTINE_PATH`, `GIT_OBJECT_DIRECTORY`; githooks(5), “quarantine environment” in
    /// git-receive-pack(1)). No ref can be written through it.
    ///
    /// - Throws: libgit2's refusal.
    public static func openFromEnvironment() throws(GitError) -> GitRepository {
        _ = library
        var handle: OpaquePointer?
        let flags = GIT_REPOSITORY_OPEN_FROM_ENV.rawValue | GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue
        let code = git_repository_open_ext(&handle, nil, flags, nil)
        guard code == 0, let handle else { throw GitError.last(code, "git_repository_open_ext") }
        return GitRepository(handle: handle, isQuarantined: true)
    }

    /// Makes the bare repository of an app, with the settings under which a push tells the truth.
    ///
    /// - Throws: libgit2's refusal.
    public static func createReceiver(at path: FilePath, branch: BranchName) throws(GitError) {
        _ = library
        var options = git_repository_init_options()
        git_repository_init_options_init(&options, UInt32(GIT_REPOSITORY_INIT_OPTIONS_VERSION))
        options.flags = GIT_REPOSITORY_INIT_BARE.rawValue | GIT_REPOSITORY_INIT_MKPATH.rawValue
            | GIT_REPOSITORY_INIT_NO_REINIT.rawValue
        var handle: OpaquePointer?
        let code = branch.text.withCString { name in
            options.initial_head = name
            return git_repository_init_ext(&handle, path.string, &options)
        }
        guard code == 0, let handle else { throw GitError.last(code, "git_repository_init_ext") }
        let repository = GitRepository(handle: handle, isQuarantined: false)
        try repository.configure(Self.receiverSettings)
    }

    /// What git-config(1) calls them.
    private static let receiverSettings: [(String, String)] = [
        ("receive.procReceiveRefs", "refs/heads"),
        ("receive.advertisePushOptions", "true"),
        ("receive.shallowUpdate", "true"),
        ("receive.fsckObjects", "true"),
        ("receive.autogc", "false"),
        ("receive.maxInputSize", "1073741824"),
        ("receive.denyDeletes", "false"),
        ("transfer.hideRefs", "refs/pmo"),
        ("core.logAllRefUpdates", "true"),
    ]

    private func configure(_ settings: [(String, String)]) throws(GitError) {
        var config: OpaquePointer?
        let code = git_repository_config(&config, handle)
        guard code == 0, let config else { throw GitError.last(code, "git_repository_config") }
        defer { git_config_free(config) }
        for (key, value) in settings {
            let code = git_config_set_string(config, key, value)
            guard code == 0 else { throw GitError.last(code, "git_config_set_string") }
        }
    }

    /// The value of a setting of this repository; nil where it has none.
    public func setting(_ key: String) -> String? {
        var config: OpaquePointer?
        guard git_repository_config_snapshot(&config, handle) == 0, let config else { return nil }
        defer { git_config_free(config) }
        var value: UnsafePointer<CChar>?
        guard git_config_get_string(&value, config, key) == 0, let value else { return nil }
        return String(cString: value)
    }

    func requireWritable(_ function: String) throws(GitError) {
        guard !isQuarantined else {
            throw .library(code: -1, function: function, message: "no ref is written while a push is in quarantine")
        }
    }
}
