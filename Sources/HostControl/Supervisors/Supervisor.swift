public import ReleaseModel
public import SystemPackage

/// What keeps services running over crashes and reboots.
public protocol Supervisor: Sendable {
    /// Makes instances known, without starting them.
    func prepare(_ instances: [SupervisedInstance]) async throws(HostError)
    /// Starts an instance, now and after each boot. Returns when that is asked; the instance may still be booting.
    func start(_ instance: SupervisedInstance) async throws(HostError)
    /// Stops an instance and all that it has started: the rule's signal to its process group, KILL when the time is up.
    func stop(_ instance: SupervisedInstance, rule: StopRule) async throws(HostError) -> StopOutcome
    /// What an instance does now.
    func status(_ instance: SupervisedInstance) async throws(HostError) -> InstanceStatus
    /// Whether it takes its time to notice what is new, so that the slots of the next deploys are worth preparing.
    var isSlowToNotice: Bool { get }
    /// Forgets an instance that is stopped.
    func remove(_ instance: SupervisedInstance) async throws(HostError)
    /// What it cannot hold services to on this host, which it could on another; nil where there is nothing.
    func weakness() async throws(HostError) -> SandboxWeakness?
}

extension Supervisor {
    /// The last lines that an instance has written since a mark, raw, without time stamps.
    public func logTail(_ instance: SupervisedInstance, lines: Int, since mark: LogMark?) -> [String] {
        ServiceLog(directory: instance.logDirectory).tail(lines, since: mark)
    }

    /// Where it holds services to nothing, nothing is missing.
    public func weakness() async throws(HostError) -> SandboxWeakness? { nil }

    /// The log's end as it is now.
    public func mark(_ instance: SupervisedInstance) -> LogMark { ServiceLog(directory: instance.logDirectory).mark }
}

/// A process to supervise. Its directory holds `run`, `finish`, `control/t`, `slot` and `log/run`.
public struct SupervisedInstance: Sendable, Hashable {
    /// Its name among all of the host.
    public var unit: String
    /// Its directory.
    public var directory: FilePath
    /// Where its output is kept.
    public var logDirectory: FilePath
    /// What people read.
    public var description: String
    /// How much memory, processor and processes it may use.
    public var limits: InstanceLimits
    /// How it is stopped.
    public var stop: StopRule
    /// The directories that it may write to beside its own; none of others where the supervisor can see to that.
    public var writable: [FilePath]
    /// The directory of its app, next to which it sees no other's where the supervisor can see to that; nil where it is
    /// no app's.
    public var app: FilePath?

    /// An instance.
    public init(
        unit: String, directory: FilePath, logDirectory: FilePath, description: String,
        limits: InstanceLimits = InstanceLimits(), stop: StopRule = StopRule(), writable: [FilePath] = [],
        app: FilePath? = nil
    ) {
        self.unit = unit
        self.directory = directory
        self.logDirectory = logDirectory
        self.description = description
        self.limits = limits
        self.stop = stop
        self.writable = writable
        self.app = app
    }
}

/// What an instance may use of the host; nil: whatever there is.
public struct InstanceLimits: Sendable, Hashable {
    /// Memory.
    public var memory: ByteSize?
    /// Processors.
    public var cpus: ProcessorShare?
    /// Processes and threads.
    public var tasks: Int?

    /// Limits.
    public init(memory: ByteSize? = nil, cpus: ProcessorShare? = nil, tasks: Int? = nil) {
        self.memory = memory
        self.cpus = cpus
        self.tasks = tasks
    }
}

extension StopRule: Hashable {
    /// By its text.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(signal)
        hasher.combine(within)
    }
}

/// How a stop ended.
public enum StopOutcome: Sendable, Equatable {
    /// It ended by itself in time.
    case ended
    /// It had to be killed, and with it as many connections as it still held.
    case killed(connections: Int)
    /// It was not running.
    case wasDown
}
