import Glibc
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

    @Test("A manager that was killed leaves its socket, on which nobody answers")
    func staleSocket() async throws {
        try await withDirectory { directory in
            let path = directory.appending("private").string
            let listen = "import socket; s = socket.socket(socket.AF_UNIX); s.bind('\(path)'); s.listen()"
            #expect(!SupervisorDetection.answers(path))
            let left = Command(
                executable: "python3", arguments: ["-c", listen], environment: HostPrograms.environment)
            #expect(try await ProcessRunner().run(left).succeeded)
            #expect(access(path, F_OK) == 0 && !SupervisorDetection.answers(path))
            let alive = Command(
                executable: "python3",
                arguments: ["-c", "\(listen.replacing("private", with: "alive")); s.accept(); print('asked')"],
                environment: HostPrograms.environment)
            async let answered = ProcessRunner().run(alive, within: .seconds(300))
            let other = directory.appending("alive").string
            #expect(await eventually { SupervisorDetection.answers(other) })
            let said = try await answered
            #expect(said.succeeded, "\(said)")
        }
    }

    @Test("The unit's name begins with pmo-, and says which release runs in the slot")
    func unitName() async throws {
        #expect(SystemdSupervisor.unitName(instance) == unit)
        try await withDirectory { directory in
            var instance = instance
            instance.directory = directory
            let run = directory.appending("run").string
            #expect(symlink("/h/pmo/releases/4f2c9ab.2/.pmo/units/api/run", run) == 0)
            #expect(SystemdSupervisor.unitName(instance) == "pmo-pmo.api@2.0.4f2c9ab.2.service")
            unlink(run)
            #expect(symlink("/etc/passwd", run) == 0)
            #expect(SystemdSupervisor.unitName(instance) == unit)
        }
    }

    @Test("What systemd can do is asked for", arguments: [("systemd 252 (252.39-1~deb12u1)\n+PAM", 252), ("", 0)])
    func abilities(_ said: String, _ version: Int) async throws {
        let runner = RecordingRunner { command in
            command.executable == "unshare" ? CommandResult(status: 1) : CommandResult(output: Array(said.utf8))
        }
        let own = try await SystemdAbilities.ofHost(runner: runner, isUser: true)
        #expect(own == SystemdAbilities(version: version, isUser: true, canSandbox: false))
        let system = try await SystemdAbilities.ofHost(runner: runner, isUser: false)
        #expect(system == SystemdAbilities(version: version, isUser: false, canSandbox: true))
    }

    @Test("A host that denies user namespaces is told, with the setting that does", arguments: [true, false])
    func weakness(_ denies: Bool) async throws {
        let runner = RecordingRunner { command in
            CommandResult(status: command.executable == "unshare" && denies ? 1 : 0)
        }
        #expect(try await (supervisor(runner, isUser: true).weakness() != nil) == denies)
        #expect(try await supervisor(runner).weakness() == nil)
        try await withDirectory { directory in
            let root = directory.string
            #expect(SandboxWeakness.ofHost(below: root).repair == nil)
            try directory.directory("user").appending("max_user_namespaces").write(denies ? "0\n" : "1000\n")
            let told = SandboxWeakness.ofHost(below: root).repair
            #expect(told?.contains("sysctl -w user.max_user_namespaces=15000") == (denies ? true : nil))
            try directory.directory("kernel").appending("apparmor_restrict_unprivileged_userns").write("1\n")
            let first = SandboxWeakness.ofHost(below: root, profile: "\(root)/none").repair
            #expect(first?.contains("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0") == true)
            let packaged = SandboxWeakness.ofHost(below: root, profile: root).repair
            #expect(packaged?.contains("dpkg-reconfigure pmo-release && systemctl restart user@") == true)
        }
    }

    @Test("Where profiles decide, the manager may what this process may, if it has the same", arguments: [true, false])
    func profile(_ isKnown: Bool) async throws {
        let runner = RecordingRunner { _ in CommandResult(output: Array((isKnown ? "\(getpid())\n" : "0\n").utf8)) }
        let hasProfiles = ProcessGroup.text("/proc/self/attr/current") != nil
        let same = try await SystemdAbilities.isConfinedLikeManager(runner: runner)
        #expect(same == (isKnown && hasProfiles))
    }

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
                    [
                        "show",
                        "--property=ActiveState,SubState,MainPID,ActiveEnterTimestampMonotonic,NRestarts,"
                            + "ExecMainCode,ExecMainStatus", unit,
                    ], isUser: false)
            ])
    }

    @Test(
        "F28: Restarts and the last end are told, the one that is waited for among them",
        arguments: [
            (
                "ActiveState=activating\nSubState=auto-restart\nNRestarts=0\nExecMainCode=1\nExecMainStatus=203\n",
                "ended with status 203"
            ),
            (
                "ActiveState=active\nSubState=running\nMainPID=7\nNRestarts=2\nExecMainCode=0\nExecMainStatus=0\n",
                "ended 2 times"
            ),
            (
                "ActiveState=activating\nSubState=auto-restart\nNRestarts=2\nExecMainCode=3\nExecMainStatus=6\n",
                "ended 3 times, last with signal 6"
            ),
            ("ActiveState=active\nSubState=running\nMainPID=7\nNRestarts=0\nExecMainCode=0\nExecMainStatus=0\n", nil),
            ("ActiveState=inactive\nSubState=dead\nNRestarts=0\nExecMainCode=2\nExecMainStatus=15\n", nil),
        ])
    func ends(_ shown: String, _ told: String?) async throws {
        let status = try await supervisor(systemd(shown)).status(instance)
        #expect(status.endings == told)
        #expect(status.isStopped == shown.contains("=inactive"))
    }

    @Test(
        "What is not active with a process is down",
        arguments: [
            "", "ActiveState=failed\nMainPID=0\n", "ActiveState=activating\nMainPID=0\n",
            "ActiveState=active\nMainPID=0\n",
            "ActiveState=active\nMainPID=x\n", "ActiveState\n",
        ])
    func down(_ shown: String) async throws {
        let status = try await supervisor(systemd(shown)).status(instance)
        #expect(status == InstanceStatus(state: .down, isToldToStop: shown.contains("=failed")))
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
