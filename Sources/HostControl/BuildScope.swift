import Glibc
public import ReleaseModel

/// A transient unit of systemd for what a deploy runs of the app's: its steps together take no more memory and processes
/// than they may, and less of the processors than services that want them (A42).
public struct BuildScope: Sendable, Equatable {
    /// Whose manager makes it.
    private let isUser: Bool

    /// Tries it once; nil where there is no systemd that would do it.
    ///
    /// - Parameter isUser: whether a user's manager is asked, not the system's.
    public static func detect(runner: any CommandRunner, isUser: Bool) async -> BuildScope? {
        let scope = BuildScope(isUser: isUser)
        let probe = Command(executable: "/bin/true", arguments: [], environment: HostPrograms.environment)
        guard let tried = try? scope.holding(probe, to: BuildLimits(), called: "probe"),
            let result = try? await runner.run(tried, within: .seconds(10)), result.succeeded
        else { return nil }
        return scope
    }

    /// The same command in a unit of its own, which ends with it. It keeps its process, and so its group.
    ///
    /// - Parameter title: the unit's description.
    /// - Throws: `HostError.missingProgram`.
    public func holding(_ command: Command, to limits: BuildLimits, called title: String) throws(HostError) -> Command {
        var words = isUser ? ["--user"] : []
        words += ["--scope", "--quiet", "--collect", "--description", title]
        // Half of what a service has unless told (systemd.resource-control(5)).
        words += ["-p", "CPUWeight=50", "-p", "IOWeight=50"]
        words += ["-p", "MemoryMax=\(limits.memory.map { "\($0.bytes)" } ?? "75%")", "-p", "TasksMax=\(limits.tasks)"]
        // The manager is found by the variable, and nobody else's to ask.
        words += ["--", "/usr/bin/env", "-u", "XDG_RUNTIME_DIR", try program(command.executable)] + command.arguments
        var held = command
        held.executable = "systemd-run"
        held.arguments = words
        if isUser { held.environment["XDG_RUNTIME_DIR"] = "/run/user/\(getuid())" }
        return held
    }

    /// Has this process, with all that it starts, go on in a unit of its own: a deploy is then no part of the session
    /// that has asked for it, which may be ended. What it runs of the app's has units of their own.
    ///
    /// - Parameter name: the unit's, without `.scope`.
    /// - Returns: whether it did; where it did not, the process stays where it is.
    public static func enter(
        _ name: String, called title: String, within limits: BuildLimits, isUser: Bool, runner: any CommandRunner
    ) async -> Bool {
        // What systemd-run does for a scope (org.freedesktop.systemd1(5)), for a process that runs already.
        var words = isUser ? ["--user"] : []
        words += ["call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"]
        words += ["StartTransientUnit", "ssa(sv)a(sa(sv))", "\(name).scope", "fail"]
        // Three quarters are a share of 2^32 - 1.
        let memory = limits.memory.map { ["MemoryMax", "t", "\($0.bytes)"] } ?? ["MemoryMaxScale", "u", "3221225471"]
        let properties = [
            ["Description", "s", title], ["PIDs", "au", "1", "\(getpid())"],
            ["CollectMode", "s", "inactive-or-failed"],
            ["CPUWeight", "t", "50"], ["IOWeight", "t", "50"], memory, ["TasksMax", "t", "\(limits.tasks)"],
        ]
        words += ["\(properties.count)"] + properties.flatMap(\.self) + ["0"]
        var environment = HostPrograms.environment
        if isUser { environment["XDG_RUNTIME_DIR"] = "/run/user/\(getuid())" }
        let command = Command(executable: "busctl", arguments: words, environment: environment)
        return (try? await runner.run(command, within: .seconds(10)))?.succeeded == true
    }

    private func program(_ name: String) throws(HostError) -> String {
        name.hasPrefix("/") ? name : try HostPrograms.find(name)
    }
}
