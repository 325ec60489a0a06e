public import ReleaseModel
public import SystemPackage

/// What the store could not do, as facts; the sentence and the hint are made from them.
public enum StoreError: HintedError, Equatable {
    /// A system call failed: what was tried (`write`, `rename` …), on which path, and `errno`.
    case system(action: String, path: FilePath, code: Int32)
    /// A file of ours says something that it cannot say.
    case damaged(path: FilePath, problem: String)
    /// `current` or `previous` is not a link to a complete release; `releases/<suggestion>` would be right.
    case oddLink(path: FilePath, fault: LinkFault, suggestion: ReleaseID?)
    /// The host has no such app.
    case unknownApp(AppName, known: [AppName])
    /// No release begins so; the candidates are those that there are, newest first.
    case unknownRelease(AppName, prefix: String, candidates: [ReleaseID])
    /// Releases of several commits begin so.
    case ambiguousRelease(AppName, prefix: String, candidates: [ReleaseID])
    /// The release is not on disk, or not complete.
    case missingRelease(AppName, ReleaseID)
    /// Something has the release's name already.
    case releaseExists(AppName, ReleaseID)
    /// The release cannot be removed, since `user` (`current`, `previous`, `api, slot 2`) holds it.
    case releaseInUse(AppName, ReleaseID, user: String)
    /// Fewer ports of the range are free than the service needs.
    case noFreePorts(ServiceName, needed: Int, range: ClosedRange<Int>)
    /// A unix socket's path has more bytes than the system takes (107).
    case socketPathTooLong(path: FilePath, limit: Int)
    /// An operator's value cannot be kept.
    case environmentValue(AppName, EnvironmentKey, problem: String)
    /// The lock was not to be had in time.
    case locked(path: FilePath)
    /// SQLite refused: its result code and its own words.
    case ledger(path: FilePath, code: Int32, message: String)
    /// The home's layout is that of a newer version of the program.
    case newerHome(path: FilePath, layout: Int)
    /// The ledger was written by a newer version of the program.
    case newerLedger(path: FilePath)
    /// The ledger has no deploy of that number.
    case unknownDeploy(AppName, number: Int)
    /// What a build step was to make cannot be kept.
    case stepOutput(path: String, fault: OutputFault)
}

/// What is wrong with an output of a build step.
public enum OutputFault: Equatable, Sendable {
    /// It is not there.
    case missing
    /// It is there as it was before the step.
    case untouched
    /// It is reached by a link.
    case behindLink
    /// A link that leads out of the release.
    case leadsOut(target: String)
    /// A script that begins with the path of the build, which is gone afterwards: `#!/…/build/.venv/bin/python`.
    case startsInBuild
    /// Neither file, directory nor link.
    case special
    /// More directories in each other than anybody means.
    case tooDeep
    /// A name right at a star that is no text, or has a backslash or a control character.
    case oddName

    /// Whether the build is good all the same; it is only not kept.
    public var isHarmless: Bool { self == .special || self == .oddName }
}

/// What is wrong with `current` or `previous` (F40).
public enum LinkFault: Equatable, Sendable {
    /// A directory or file stands in its place.
    case notALink(isDirectory: Bool)
    /// Its target is not there.
    case dangling(target: String)
    /// Following it comes to no end.
    case looped
    /// Its target is there, but is not a directory right under `releases`.
    case elsewhere(target: String)
    /// Its target is under `releases`, but never became a complete release.
    case incomplete(target: String)
}
