/// A long-running process of the app, and `instances` copies of it.
public struct Service: Codable, Sendable, Equatable {
    /// Its name.
    public var name: ServiceName
    /// Where it is started; the release's root unless told.
    public var directory: ReleasePath
    /// The command line; a shell runs it.
    public var command: String
    /// How many copies run; 1 to 32.
    public var instances: Int
    /// How it is reached; `none` for a worker.
    public var listen: Listen
    /// When a candidate counts as healthy; nil: it must stay up.
    public var health: HealthCheck?
    /// How much memory a process of it may use.
    public var memory: ByteSize?
    /// How much of the processors an instance may use; nil: all there is.
    public var cpus: ProcessorShare?
    /// How many processes and threads an instance may have, 1 to 100,000; nil: the supervisor's own bound.
    public var tasks: Int?
    /// How it is stopped.
    public var stop: StopRule
    /// With `restart: when-changed`, what must change for its processes to be replaced: paths of the tree and outputs
    /// of build steps. nil: every deploy starts it anew.
    public var restartInputs: [PathPattern]?
    /// Whether a worker never runs twice, not even for the moment of a deploy: the old one ends before the new one
    /// starts. nil: it may.
    public var single: Bool?

    /// A service with the defaults: one instance at the release's root, no listening, TERM and 10 s.
    public init(
        name: ServiceName, directory: ReleasePath = .root, command: String, instances: Int = 1, listen: Listen = .none,
        health: HealthCheck? = nil, memory: ByteSize? = nil, stop: StopRule = StopRule()
    ) {
        self.name = name
        self.directory = directory
        self.command = command
        self.instances = instances
        self.listen = listen
        self.health = health
        self.memory = memory
        self.stop = stop
    }
}

/// How a service is reached.
public enum Listen: String, Codable, Sendable {
    /// It gets `PORT`, a TCP port on 127.0.0.1.
    case port
    /// It gets `SOCKET`, the path of a unix socket to make.
    case socket
    /// It is not reached: a worker.
    case none
}

/// When a candidate counts as healthy.
public struct HealthCheck: Codable, Sendable, Equatable {
    /// What is asked for with GET; starts with `/`.
    public var path: String
    /// A text that the answer's first 64 KiB must hold.
    public var expect: String?
    /// The lowest status that passes.
    public var lowestStatus: Int
    /// The highest status that passes.
    public var highestStatus: Int
    /// How many answers in a row must pass; 1 to 20, 2 unless told.
    public var passes: Int
    /// The deadline, from the start of the instance to the last pass; 30 s unless told.
    public var within: TimeLimit

    /// A check with the defaults: 200 to 399, twice in a row, within 30 s.
    public init(
        path: String, expect: String? = nil, status: ClosedRange<Int> = 200...399, passes: Int = 2,
        within: TimeLimit = TimeLimit(seconds: 30)
    ) {
        self.path = path
        self.expect = expect
        lowestStatus = status.lowerBound
        highestStatus = status.upperBound
        self.passes = passes
        self.within = within
    }
}

/// How a service is stopped: a signal to its whole process group, and KILL when the time is up.
public struct StopRule: Codable, Sendable, Equatable {
    /// The signal's name without `SIG`.
    public var signal: StopSignal
    /// How long it may take to end; 10 s unless told.
    public var within: TimeLimit
    /// TERM and 10 s unless told.
    public init(signal: StopSignal = .term, within: TimeLimit = TimeLimit(seconds: 10)) {
        self.signal = signal
        self.within = within
    }
}

/// The signals that stop a service.
public enum StopSignal: String, Codable, Sendable, CaseIterable {
    case term = "TERM", int = "INT", quit = "QUIT", hup = "HUP", usr1 = "USR1", usr2 = "USR2", winch = "WINCH"
}
