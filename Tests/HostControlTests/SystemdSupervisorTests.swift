import ReleaseModel
import SystemPackage
import Testing

@testable import HostControl

@Suite("SystemdSupervisor by its commands")
struct SystemdSupervisorTests {
    private let instance = SupervisedInstance(
        unit: "pmo.api.2.0", directory: "/h/pmo/slots/api/2/0", logDirectory: "/h/pmo/logs/services/api/2.0",
        description: "pmo api")
    private let unit = "pmo-pmo.api.2.0.service"

    private func supervisor(_ runner: RecordingRunner, isUser: Bool = false) -> SystemdSupervisor {
        SystemdSupervisor(runner: runner, isUser: isUser) { _, _ in "" }
    }

    /// Answers `show` with properties, and everything else with success.
    private func systemd(_ shown: String) -> RecordingRunner {
        RecordingRunner { command in
            CommandResult(output: command.arguments.contains("show") ? Array(shown.utf8) : [])
        }
    }

    @Test("The unit's name begins with pmo-")
    func unitName() { #expect(SystemdSupervisor.unitName(instance) == unit) }

    @Test("systemctl speaks to the system's manager, or to the user's own")
    func systemctl() {
        #expect(
            SystemdSupervisor.systemctl(["start", "a.service"], isUser: false)
                == Command(executable: "systemctl", arguments: ["start", "a.service"]))
        let own = SystemdSupervisor.systemctl(["start", "a.service"], isUser: true)
        #expect(own.arguments == ["--user", "start", "a.service"])
        #expect(own.environment["XDG_RUNTIME_DIR"]?.hasPrefix("/run/user/") == true)
        #expect(own.environment["PATH"] == HostPrograms.path)
    }

    @Test("A start is for now and for every boot, and waits for nothing", arguments: [false, true])
    func start(_ isUser: Bool) async throws {
        let runner = systemd("")
        try await supervisor(runner, isUser: isUser).start(instance)
        #expect(
            runner.commands == [
                SystemdSupervisor.systemctl(["enable", "--now", "--no-block", unit], isUser: isUser)
            ])
    }

    @Test(
        "A stop tells how it ended",
        arguments: [
            ("ActiveState=active\nMainPID=7\nResult=success\n", StopOutcome.ended),
            ("ActiveState=active\nMainPID=7\nResult=timeout\n", .killed(connections: 0)),
            ("ActiveState=inactive\nMainPID=0\nResult=success\n", .wasDown),
        ])
    func stop(_ shown: String, _ outcome: StopOutcome) async throws {
        let runner = systemd(shown)
        #expect(try await supervisor(runner).stop(instance, rule: StopRule()) == outcome)
        #expect(runner.commands.contains(SystemdSupervisor.systemctl(["disable", "--now", unit], isUser: false)))
    }

    @Test("A status is read from properties, in whatever order they come")
    func status() async throws {
        let up = systemd("MainPID=4711\nActiveEnterTimestampMonotonic=1000000\nActiveState=active\n")
        let status = try await supervisor(up).status(instance)
        #expect(status.state == .up)
        #expect(status.pid == 4711)
        #expect(status.seconds > 0)
        #expect(
            up.commands == [
                SystemdSupervisor.systemctl(
                    ["show", "--property=ActiveState,MainPID,ActiveEnterTimestampMonotonic", unit], isUser: false)
            ])
    }

    @Test(
        "What is not active with a process is down",
        arguments: [
            "", "ActiveState=failed\nMainPID=0\n", "ActiveState=activating\nMainPID=0\n",
            "ActiveState=active\nMainPID=0\n",
            "ActiveState=active\nMainPID=x\n", "ActiveState\n",
        ])
    func down(_ shown: String) async throws {
        #expect(try await supervisor(systemd(shown)).status(instance) == InstanceStatus(state: .down))
    }

    @Test("A systemctl that fails is an error with its last words")
    func failure() async {
        let runner = RecordingRunner { _ in
            CommandResult(status: 1, errorOutput: Array("Failed to connect to bus\n".utf8))
        }
        await #expect {
            try await supervisor(runner).start(instance)
        } throws: { "\($0)" == "pmo.api.2.0: Failed to connect to bus" }
    }

    @Test("A call that nobody configured fails the test")
    func unconfigured() async {
        await withKnownIssue {
            try await supervisor(RecordingRunner()).start(instance)
        }
    }

    @Test("Nothing to prepare is nothing to do")
    func prepareNothing() async throws {
        let runner = RecordingRunner()
        try await supervisor(runner).prepare([])
        #expect(runner.commands == [])
    }
}
