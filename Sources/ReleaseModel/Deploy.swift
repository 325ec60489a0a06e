/// The steps of a deploy, in the order in which they happen.
public enum Phase: String, Codable, Sendable, CaseIterable {
    case receive, export, configure, build, backup, migrate, start, check, `switch`, bake, retire, prune

    /// The name as it begins a line of the deploy's log: `Export`.
    public var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}

/// What started a deploy.
public enum DeployKind: String, Codable, Sendable {
    /// A `git push`.
    case push
    /// `pmo-release deploy`.
    case deploy
    /// `pmo-release retry`.
    case retry
}

/// Where a deploy stands. `live`, `failed`, `superseded` and `reverted` are its ends; one of them is recorded whatever happens.
public enum DeployState: String, Codable, Sendable {
    /// Recorded; waits for the app's lock.
    case queued
    /// Its process holds the app's lock.
    case running
    /// The release was made live.
    case live
    /// It ended without a change; `reason` says why.
    case failed
    /// A newer push took its place while it waited.
    case superseded
    /// The release was live, and failed in the watch after its switch; `reason` says why, and what serves.
    case reverted

    /// Whether nothing follows.
    public var isFinal: Bool { self != .queued && self != .running }
}

/// A process that can be told from a later one with the same number: pid, start time and boot.
public struct ProcessIdentity: Hashable, Codable, Sendable {
    /// The process's number.
    public let pid: Int32
    /// Its start in clock ticks since boot (field 22 of `/proc/<pid>/stat`, proc(5)).
    public let started: Int
    /// `/proc/sys/kernel/random/boot_id`.
    public let boot: String
    /// An identity read from the system or the ledger.
    public init(pid: Int32, started: Int, boot: String) {
        self.pid = pid
        self.started = started
        self.boot = boot
    }
}

/// A deploy as the ledger knows it. Times are seconds since 1970, UTC.
public struct Deploy: Codable, Sendable, Equatable {
    /// 1 for the app's first deploy; never used twice.
    public var number: Int
    /// What started it.
    public var kind: DeployKind
    /// The commit that it makes live.
    public var commit: CommitID
    /// The first line of the commit's message, raw.
    public var subject: String
    /// The commit's author, raw.
    public var author: String
    /// The branch it came by.
    public var branch: String
    /// The ssh key's name or the local user.
    public var who: String
    /// The push that it came by (see `PushOrigin`), or empty.
    public var origin: String
    /// Options of the push: `no-cache`, `skip-migrate`.
    public var options: [String]
    /// Where it stands.
    public var state: DeployState
    /// Why it ended without a change, in one line.
    public var reason: String?
    /// The phase that runs, or in which it ended.
    public var phase: Phase?
    /// The release it made, once complete.
    public var release: ReleaseID?
    /// The process that runs it.
    public var process: ProcessIdentity?
    /// When it was recorded.
    public var created: Double
    /// When it got the lock.
    public var started: Double?
    /// When it ended.
    public var finished: Double?
    /// How many files were exported.
    public var files: Int?
    /// How many bytes were exported.
    public var bytes: Int?

    /// A deploy that has just been asked for; the ledger gives it its number.
    public init(
        kind: DeployKind, commit: CommitID, subject: String, author: String, branch: String, who: String,
        origin: String = "", options: [String] = [], created: Double
    ) {
        number = 0
        self.kind = kind
        self.commit = commit
        self.subject = subject
        self.author = author
        self.branch = branch
        self.who = who
        self.origin = origin
        self.options = options
        state = .queued
        self.created = created
    }
}

/// How long a phase of a deploy took, as the ledger knows it.
public struct PhaseRecord: Codable, Sendable, Equatable {
    /// Which phase.
    public var phase: Phase
    /// When it began, seconds since 1970.
    public var started: Double
    /// When it ended; nil while it runs or when its process died in it.
    public var finished: Double?
    /// What it did, in a few words.
    public var detail: String
    /// A phase of a deploy.
    public init(phase: Phase, started: Double, finished: Double? = nil, detail: String = "") {
        self.phase = phase
        self.started = started
        self.finished = finished
        self.detail = detail
    }
}

/// Something that somebody did, as the ledger knows it: a deploy's end, a switch, a changed variable's name.
public struct LedgerEvent: Codable, Sendable, Equatable {
    /// When, seconds since 1970.
    public var time: Double
    /// The ssh key's name or the local user.
    public var who: String
    /// `switch`, `rollback`, `env set`, `restart` …
    public var verb: String
    /// The rest of the sentence; never a secret.
    public var detail: String
    /// The deploy it belongs to.
    public var deploy: Int?
    /// An event.
    public init(time: Double, who: String, verb: String, detail: String, deploy: Int? = nil) {
        self.time = time
        self.who = who
        self.verb = verb
        self.detail = detail
        self.deploy = deploy
    }
}
