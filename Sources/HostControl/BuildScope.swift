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

    private func program(_ name: String) throws(HostError) -> String {
        name.hasPrefix("/") ? name : try HostPrograms.find(name)
    }
}
