public import SystemPackage

/// Runs commands that cannot write to any release of an app, whoever they run as: in a mount namespace in which the
/// directory of the releases is read-only. Root can undo that where it means to; nobody does by mistake.
public struct ReleaseSeal: Sendable, Equatable {
    private let script: String
    private let releases: FilePath

    /// A seal.
    ///
    /// - Parameters:
    ///   - script: the text of `templates/seal`.
    ///   - releases: the directory that cannot be written.
    public init(script: [UInt8], releases: FilePath) {
        self.script = String(decoding: script, as: UTF8.self)
        self.releases = releases
    }

    /// The command, sealed.
    public func command(_ command: Command) -> Command {
        var sealed = command
        sealed.executable = "/bin/sh"
        sealed.arguments = ["-c", script, "seal", releases.string, command.executable] + command.arguments
        return sealed
    }

    /// Tries it.
    ///
    /// - Returns: why this host cannot seal; nil where it can.
    public func problem(runner: any CommandRunner) async -> String? {
        let attempt = #"if (: > "$1/.writable") 2> /dev/null; then rm -f "$1/.writable"; exit 3; fi"#
        let probe = Command(executable: "/bin/sh", arguments: ["-c", attempt, "sh", releases.string])
        do {
            let result = try await runner.run(command(probe), within: .seconds(10))
            if result.status == 3 { return "a directory that is mounted read-only can be written to" }
            return result.succeeded ? nil : result.problem
        } catch {
            return error.description
        }
    }
}
