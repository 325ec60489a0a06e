import CLibgit2
public import ReleaseModel
public import SystemPackage

extension GitRepository {
    /// Makes a bare repository that receives pushes: `HEAD` on the branch, and the configuration that the hooks need.
    ///
    /// - Throws: `exists` where there is a repository already.
    public static func createReceiver(at path: FilePath, branch: BranchName) throws(GitError) {
        try Library.start()
        var options = git_repository_init_options()
        let version = UInt32(GIT_REPOSITORY_INIT_OPTIONS_VERSION)
        try check(git_repository_init_options_init(&options, version), "git_repository_init_options_init")
        options.flags = [GIT_REPOSITORY_INIT_BARE, GIT_REPOSITORY_INIT_MKDIR, GIT_REPOSITORY_INIT_NO_REINIT]
            .reduce(0) { $0 | $1.rawValue }
        var repository: OpaquePointer?
        let code = branch.text.withCString { head in
            options.initial_head = head
            return git_repository_init_ext(&repository, path.string, &options)
        }
        defer { git_repository_free(repository) }
        guard code != GIT_EEXISTS.rawValue else { throw .exists(path.string) }
        try check(code, "git_repository_init_ext")
        try configure(repository)
    }

    private static func configure(_ repository: OpaquePointer?) throws(GitError) {
        var config: OpaquePointer?
        try check(git_repository_config(&config, repository), "git_repository_config")
        defer { git_config_free(config) }
        for (key, value) in ReceiverConfiguration.values {
            try check(git_config_set_string(config, key, value), "git_config_set_string")
        }
    }
}

/// How git behaves in a receiver.
enum ReceiverConfiguration {
    /// Keys and values in the order in which they are written.
    static let values: [(key: String, value: String)] =
        [
            // A push to a branch is answered by the proc-receive hook, so that a failed deploy is a failed push.
            ("receive.procReceiveRefs", "refs/heads"),
            ("receive.advertisePushOptions", "true"),
            ("receive.shallowUpdate", "true"),
            ("receive.fsckObjects", "true"),
            ("receive.maxInputSize", String(1 << 30)),
            // Unpacking and repacking stay within a few hundred megabytes: a large file is copied from stream to stream,
            // and what several threads hold for deltas is bounded.
            ("core.bigFileThreshold", "32m"),
            ("core.deltaBaseCacheLimit", "64m"),
            ("pack.threads", "2"),
            ("pack.windowMemory", "64m"),
            ("pack.deltaCacheSize", "64m"),
            // References of releases keep their commits and are nobody's to fetch or push.
            ("transfer.hideRefs", "refs/pmo"),
            // Nor does git read the commit of each, once more a push, to find what its quarantine may count on.
            ("core.alternateRefsPrefixes", "refs/heads"),
            ("core.logAllRefUpdates", "true"),
            // Nothing tidies up behind a running deploy.
            ("receive.autogc", "false"),
            ("gc.auto", "0"),
            // A push that was answered survives a power cut: by default git does not sync loose objects or references.
            ("core.fsync", "committed,reference"),
            // The user's own configuration must not lead git past the hooks.
            ("core.hooksPath", "hooks"),
        ] + (harmless + judged).map { ("receive.fsck.\($0)", "ignore") }

    /// Faults in commits and tags that old, well-known repositories have (`git help fsck`). They concern dates, names and
    /// addresses; whatever concerns trees is judged by the policy too.
    private static let harmless = [
        "badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingEmail", "missingNameBeforeEmail",
        "missingSpaceBeforeDate", "missingSpaceBeforeEmail", "missingTaggerEntry", "badTagName", "zeroPaddedFilemode",
        "zeroPaddedDate", "nulInCommit",
    ]

    /// Names that the tree policy refuses in our own words, with the path and a hint.
    private static let judged = ["hasDot", "hasDotdot", "hasDotgit", "emptyName", "fullPathname"]
}
