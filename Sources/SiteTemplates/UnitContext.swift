public import ReleaseModel

/// What the scripts of a service's instances are written from. Paths are absolute.
public struct UnitContext: Sendable {
    /// The app.
    public var app: AppName
    /// The service.
    public var service: Service
    /// The release's directory under its final name.
    public var releaseRoot: String
    /// The commit that the release was built from.
    public var commit: CommitID
    /// The branch that it came by.
    public var branch: String
    /// What `git describe` says about the commit.
    public var describe: String?
    /// Directories that come first in `PATH`, such as `<release>/.venv/bin`; absolute, or relative to the release.
    public var path: [String]
    /// `HOME` of the service, which it may write to; nil: the app's `home/`.
    public var home: String?
    /// Whether it cannot write to any release: `<release>/.pmo/seal` must then be the script `SiteTemplates.seal`.
    public var isSealed: Bool

    /// What the scripts are written from.
    public init(
        app: AppName, service: Service, releaseRoot: String, commit: CommitID, branch: String, describe: String? = nil,
        path: [String] = [], home: String? = nil, isSealed: Bool = false
    ) {
        self.app = app
        self.service = service
        self.releaseRoot = releaseRoot
        self.commit = commit
        self.branch = branch
        self.describe = describe
        self.path = path
        self.home = home
        self.isSealed = isSealed
    }
}

/// The scripts that runsv, or systemd, runs for an instance.
public struct ServiceUnit: Sendable, Equatable {
    /// `run`, which becomes the service's process.
    public var run: String
    /// `finish`, which ends what is left of its process group.
    public var finish: String
    /// `control/t`, which sends the service's own stop signal to the whole process group.
    public var stop: String
}

/// What a systemd unit of an instance is written from. Paths are absolute.
public struct SystemdContext: Sendable {
    /// What it is, in a line.
    public var description: String
    /// The instance's directory, in which `run` stands.
    public var directory: String
    /// Where its output goes, to the file `current`.
    public var logDirectory: String
    /// How much memory it may use.
    public var memory: ByteSize?
    /// How much of the processors it may use.
    public var cpus: ProcessorShare?
    /// How many processes and threads it may have.
    public var tasks: Int?
    /// How it is stopped.
    public var stop: StopRule
    /// Whether a user's manager runs it, not the system's.
    public var isUser: Bool
    /// The directories that it may write to, and no others; nil: all that its user may.
    public var writable: [String]?
    /// The directory of all apps and the one of its own app, below which it may write to `writable`: of the first it sees
    /// the second alone; nil where it sees all.
    public var alone: (home: String, app: String)?
    /// What it cannot even read, where there is something.
    public var hidden: [String] = []
    /// Whether systemd can wait longer from restart to restart (254 and later).
    public var hasRestartSteps = false

    /// What a unit is written from.
    public init(
        description: String, directory: String, logDirectory: String, memory: ByteSize? = nil,
        cpus: ProcessorShare? = nil, tasks: Int? = nil, stop: StopRule = StopRule(), isUser: Bool
    ) {
        self.description = description
        self.directory = directory
        self.logDirectory = logDirectory
        self.memory = memory
        self.cpus = cpus
        self.tasks = tasks
        self.stop = stop
        self.isUser = isUser
    }
}
