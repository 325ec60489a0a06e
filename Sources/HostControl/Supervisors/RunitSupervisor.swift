import Glibc
public import ReleaseModel
public import SystemPackage

/// runit, started by us: one `runsvdir` watches a directory of links to instance directories.
public struct RunitSupervisor: Supervisor {
    /// How long runsvdir may take to notice a new link; it looks every 5 s (runsvdir(8)).
    static let noticeLimit = Duration.seconds(12)
    /// How long the kernel may take to end what got KILL.
    private static let killLimit = Duration.seconds(10)

    /// True: runsvdir looks every 5 s.
    public var isSlowToNotice: Bool { true }

    let services: FilePath
    let runner: any CommandRunner

    /// A supervisor of the links in a directory.
    public init(services: FilePath, runner: any CommandRunner) {
        self.services = services
        self.runner = runner
    }

    /// Links the instances and waits until each has its `runsv`. Nothing is started: each has a `down` file.
    public func prepare(_ instances: [SupervisedInstance]) async throws(HostError) {
        for program in ["runsvdir", "runsv", "svlogd", "chpst"] { _ = try HostPrograms.find(program) }
        for instance in instances {
            let link = services.appending(instance.unit)
            if symlink(instance.directory.string, link.string) != 0, errno != EEXIST {
                throw .file(path: link.string, message: "\(Errno(rawValue: errno))")
            }
        }
        try ensureRunning()
        let deadline = ContinuousClock.now + Self.noticeLimit
        for instance in instances
        where !(await holds(until: deadline) { RunitControl(instance.directory).isSupervised }) {
            throw .supervisor(unit: instance.unit, problem: "runsv did not start within \(Self.noticeLimit.shown)")
        }
    }

    /// Starts `runsvdir` where none runs for the directory.
    public func ensureRunning() throws(HostError) {
        let lock = open(
            services.removingLastComponent().appending("runsvdir.lock").string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(lock) }
        flock(lock, LOCK_EX)
        guard directoryProcesses().isEmpty else { return }
        let pid = try DetachedProcess.spawn(
            executable: try HostPrograms.find("runsvdir"), arguments: ["-P", services.string],
            environment: ["PATH": HostPrograms.path],
            log: services.removingLastComponent().appending("runsvdir.log"))
        // The kernel lets go of a starter before the new command line can be read, and the next one looks for that.
        let deadline = ContinuousClock.now + .seconds(2)
        while !directoryProcesses().contains(pid), ContinuousClock.now < deadline { usleep(1000) }
    }

    /// The processes that watch the directory, by their command line.
    private func directoryProcesses() -> [Int32] {
        ProcessGroup.allPids().filter { pid in
            guard let line = ProcessGroup.bytes("/proc/\(pid)/cmdline") else { return false }
            let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.first?.hasSuffix("runsvdir") == true && words.contains(services.string)
        }
    }

    /// Starts an instance, now and whenever runsvdir starts.
    public func start(_ instance: SupervisedInstance) async throws(HostError) {
        unlink(instance.directory.appending("down").string)
        unlink(instance.directory.appending("ended").string)
        try RunitControl(instance.directory).send("u", unit: instance.unit)
    }

    /// Stops an instance and its process group.
    public func stop(_ instance: SupervisedInstance, rule: StopRule) async throws(HostError) -> StopOutcome {
        let control = RunitControl(instance.directory)
        let down = open(instance.directory.appending("down").string, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
        if down >= 0 { close(down) }
        // A boot after a power cut must not start it again beside the one that took its place.
        syncDirectory(instance.directory)
        guard control.isSupervised else { return .wasDown }
        guard let group = control.status.pid else {
            try control.send("d", unit: instance.unit)
            return .wasDown
        }
        let connections = EstablishedConnections(listeners: group)
        try control.send("d", unit: instance.unit)
        func isOver() -> Bool { control.status.state == .down && ProcessGroup.isEmpty(group) }
        if await holds(until: .now + rule.within.duration, isOver) { return .ended }
        let cut = connections.count(in: group)
        kill(-group, SIGKILL)
        try control.send("k", unit: instance.unit)
        guard await holds(until: .now + Self.killLimit, isOver) else {
            throw .supervisor(unit: instance.unit, problem: "process group \(group) does not end, even by KILL")
        }
        return .killed(connections: cut)
    }

    /// Looks every 20 ms, and once more when the time is up: whoever was not run meanwhile has seen nothing of it.
    private func holds(until deadline: ContinuousClock.Instant, _ condition: () -> Bool) async -> Bool {
        while !condition() {
            guard ContinuousClock.now < deadline else { return condition() }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    private func syncDirectory(_ path: FilePath) {
        let directory = open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    /// Reads runsv's own status file, and what `finish` has noted.
    public func status(_ instance: SupervisedInstance) async throws(HostError) -> InstanceStatus {
        let control = RunitControl(instance.directory)
        var status = control.isSupervised ? control.status : InstanceStatus(state: .down)
        status.isToldToStop = access(instance.directory.appending("down").string, F_OK) == 0
        if !status.isToldToStop { (status.ends, status.lastEnd) = control.ends }
        return status
    }

    /// Ends the instance's runsv and takes its link away.
    public func remove(_ instance: SupervisedInstance) async throws(HostError) {
        unlink(services.appending(instance.unit).string)
        let control = RunitControl(instance.directory)
        guard control.isSupervised else { return }
        try control.send("x", unit: instance.unit)
        RunitControl(instance.directory.appending("log")).sendQuietly("x")
        _ = await holds(until: .now + .seconds(10)) { !control.isSupervised }
    }

    /// Ends runsvdir, every runsv of the directory, and the process groups of their services: by KILL what has not
    /// ended after 10 s.
    public func shutdown() async throws(HostError) {
        let watchers = directoryProcesses()
        let controls = units().map { (unit: $0, control: RunitControl(services.appending($0))) }
        let groups = controls.compactMap { $0.control.isSupervised ? $0.control.status.pid : nil }
        // runsvdir sends TERM to each runsv and does not wait (runsvdir(8)); a runsv that has lost its runsvdir
        // is told as well.
        for pid in watchers { kill(pid, SIGHUP) }
        for (_, control) in controls where control.isSupervised { control.sendQuietly("x") }
        func isOver() -> Bool {
            directoryProcesses().isEmpty && groups.allSatisfy(ProcessGroup.isEmpty)
                && !controls.contains { $0.control.isSupervised }
        }
        if await holds(until: .now + .seconds(10), isOver) { return }
        let isKilled = await holds(until: .now + Self.killLimit) {
            if isOver() { return true }
            for group in groups where !ProcessGroup.isEmpty(group) { kill(-group, SIGKILL) }
            return false
        }
        guard isKilled else {
            let unit = controls.first { $0.control.isSupervised }?.unit ?? "runsvdir"
            throw .supervisor(unit: unit, problem: "does not end, even by KILL")
        }
    }

    /// The names of the links in the directory.
    private func units() -> [String] { directoryNames(services).filter { !$0.hasPrefix(".") } }
}
