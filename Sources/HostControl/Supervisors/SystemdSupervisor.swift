import Glibc
public import ReleaseModel
import SystemPackage

/// systemd: a unit for each instance, of the system's manager for root and of the user's manager else.
public struct SystemdSupervisor: Supervisor {
    let runner: any CommandRunner
    let isUser: Bool
    let render: @Sendable (SupervisedInstance, SystemdAbilities) throws -> String

    /// False: it knows a unit as soon as it is told.
    public var isSlowToNotice: Bool { false }

    /// A supervisor through `systemctl`.
    ///
    /// - Parameter render: makes the text of an instance's unit file.
    public init(
        runner: any CommandRunner, isUser: Bool,
        render: @escaping @Sendable (SupervisedInstance, SystemdAbilities) throws -> String
    ) {
        self.runner = runner
        self.isUser = isUser
        self.render = render
    }

    /// A `systemctl` command.
    public static func systemctl(_ arguments: [String], isUser: Bool) -> Command {
        var environment = HostPrograms.environment
        if isUser { environment["XDG_RUNTIME_DIR"] = "/run/user/\(getuid())" }
        return Command(
            executable: "systemctl", arguments: (isUser ? ["--user"] : []) + arguments, environment: environment)
    }

    var directory: FilePath {
        guard isUser else { return "/etc/systemd/system" }
        let home = getpwuid(getuid()).flatMap { $0.pointee.pw_dir }.map { String(cString: $0) } ?? "/"
        return FilePath(home).appending(".config/systemd/user")
    }

    /// A user's manager that is denied user namespaces cannot give a unit mounts of its own.
    public func weakness() async throws(HostError) -> SandboxWeakness? {
        try await SystemdAbilities.canSandbox(runner: runner, isUser: isUser) ? nil : .ofHost()
    }

    /// Writes the unit files that differ, takes away those of releases that had the same slots before, and tells systemd
    /// of it once.
    public func prepare(_ instances: [SupervisedInstance]) async throws(HostError) {
        guard !instances.isEmpty else { return }
        let abilities = try await SystemdAbilities.ofHost(runner: runner, isUser: isUser)
        var changed = false
        for instance in instances {
            changed = removeUnits(of: instance, butOf: Self.unitName(instance)) || changed
            let text: String
            do { text = try render(instance, abilities) } catch {
                throw .supervisor(unit: instance.unit, problem: "\(error)")
            }
            let path = directory.appending(Self.unitName(instance))
            guard ProcessGroup.text(path.string) != text else { continue }
            try write(text, to: path)
            changed = true
        }
        if changed { try await call(["daemon-reload"], unit: "systemd") }
    }

    func write(_ text: String, to path: FilePath) throws(HostError) {
        var made: FilePath = "/"
        for component in directory.components {
            made.append(component)
            mkdir(made.string, 0o755)
        }
        let temporary = path.string + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .file(path: temporary, message: "\(Errno(rawValue: errno))") }
        defer { close(file) }
        do { try FileDescriptor(rawValue: file).writeAll(text.utf8) } catch {
            throw .file(path: temporary, message: "\(error)")
        }
        guard fsync(file) == 0, rename(temporary, path.string) == 0 else {
            throw .file(path: path.string, message: "\(Errno(rawValue: errno))")
        }
    }

    /// Starts an instance, now and at boot.
    public func start(_ instance: SupervisedInstance) async throws(HostError) {
        // Where the unit counts its starts to wait longer from one to the next, this is none that it has made by itself.
        let name = instance.directory.lastComponent?.string ?? ""
        unlink(instance.directory.removingLastComponent().appending("run/\(name).starts").string)
        try await call(["enable", "--now", "--no-block", Self.unitName(instance)], unit: instance.unit)
    }

    /// Stops an instance; systemd sends the unit's own signal to its cgroup, and KILL after its own time.
    public func stop(_ instance: SupervisedInstance, rule: StopRule) async throws(HostError) -> StopOutcome {
        let group = try await status(instance).pid
        let limit = rule.within.duration + .seconds(30)
        let watch = group.map(Self.watchConnections)
        defer { watch?.cancel() }
        try await call(["disable", "--now", Self.unitName(instance)], unit: instance.unit, within: limit)
        guard let watch else { return .wasDown }
        watch.cancel()
        let result = try await properties(instance, ["Result"])["Result"]
        return result == "timeout" ? .killed(connections: await watch.value) : .ended
    }

    /// systemd kills by itself, so the connections are counted all the while: its value is how many there were last.
    private static func watchConnections(of group: Int32) -> Task<Int, Never> {
        let connections = EstablishedConnections(listeners: group)
        return Task {
            var last = 0
            while !Task.isCancelled, !ProcessGroup.isEmpty(group) {
                let now = connections.count(in: group)
                if !ProcessGroup.isEmpty(group) { last = now }
                try? await Task.sleep(for: .milliseconds(100))
            }
            return last
        }
    }

    /// Asks systemd.
    public func status(_ instance: SupervisedInstance) async throws(HostError) -> InstanceStatus {
        let values = try await properties(
            instance,
            [
                "ActiveState", "SubState", "MainPID", "ActiveEnterTimestampMonotonic", "NRestarts", "ExecMainCode",
                "ExecMainStatus",
            ])
        func number(_ name: String) -> Int? { values[name].flatMap { Int($0) } }
        // What ends by itself is started again (`Restart=always`); what was stopped and ended badly has failed.
        var status = InstanceStatus(
            state: .down,
            isToldToStop: ["inactive", "failed", "deactivating"].contains(values["ActiveState"]))
        // It counts a restart when that begins; until then the unit waits for it.
        status.ends = (number("NRestarts") ?? 0) + (values["SubState"] == "auto-restart" ? 1 : 0)
        if status.ends > 0 { status.lastEnd = Self.end(code: number("ExecMainCode"), status: number("ExecMainStatus")) }
        guard values["ActiveState"] == "active", let pid = values["MainPID"].flatMap({ Int32($0) }), pid > 0 else {
            return status
        }
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let entered = (number("ActiveEnterTimestampMonotonic") ?? 0) / 1_000_000
        status.state = .up
        status.pid = pid
        status.seconds = max(0, now.tv_sec - entered)
        return status
    }

    /// What `ExecMainCode` and `ExecMainStatus` mean: the `si_code` and `si_status` of waitid(2), 0 while the process runs.
    private static func end(code: Int?, status: Int?) -> ProcessEnd? {
        guard let code, let status else { return nil }
        switch code {
        case Int(CLD_EXITED): return .exited(status)
        case Int(CLD_KILLED), Int(CLD_DUMPED): return .killed(status)
        default: return nil
        }
    }

    /// Removes the unit file.
    public func remove(_ instance: SupervisedInstance) async throws(HostError) {
        removeUnits(of: instance, butOf: nil)
        try await call(["daemon-reload"], unit: instance.unit)
    }

    private func properties(
        _ instance: SupervisedInstance, _ names: [String]
    ) async throws(HostError) -> [String: String] {
        let arguments = ["show", "--property=\(names.joined(separator: ","))", Self.unitName(instance)]
        let result = try await runner.run(Self.systemctl(arguments, isUser: isUser))
        guard result.succeeded else { throw failure(instance.unit, result) }
        var values: [String: String] = [:]
        for line in result.text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
        }
        return values
    }

    func call(
        _ arguments: [String], unit: String, within limit: Duration = .seconds(60)
    ) async throws(HostError) {
        let result = try await runner.run(Self.systemctl(arguments, isUser: isUser), within: limit)
        guard result.succeeded else { throw failure(unit, result) }
    }

    private func failure(_ unit: String, _ result: CommandResult) -> HostError {
        guard isUser, SupervisorDetection.lacksUserManager else {
            return .supervisor(unit: unit, problem: result.problem)
        }
        return .noUserManager(user: LocalUser.name)
    }
}
