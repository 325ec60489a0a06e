import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import HostControl

@Suite("BuildScope")
struct BuildScopeTests {
    private func detect(isUser: Bool, succeeding: Bool = true) async -> (BuildScope?, RecordingRunner) {
        let runner = RecordingRunner { _ in CommandResult(status: succeeding ? 0 : 1) }
        return (await BuildScope.detect(runner: runner, isUser: isUser), runner)
    }

    @Test("A42: A step runs in a unit of its own with what it may use, and cannot find its user's manager")
    func holds() async throws {
        let (found, runner) = await detect(isUser: true)
        let scope = try #require(found)
        let probe = try #require(runner.commands.first)
        #expect(probe.executable == "systemd-run" && probe.arguments.suffix(2) == ["XDG_RUNTIME_DIR", "/bin/true"])
        let plain = Command(executable: "sh", arguments: ["-c", "make"], environment: ["A": "1"], directory: "/tmp")
        let limits = BuildLimits(memory: try ByteSize("512M"), tasks: 100)
        let held = try scope.holding(plain, to: limits, called: "pmo deploy 3")
        #expect(held.directory == "/tmp")
        #expect(held.environment == ["A": "1", "XDG_RUNTIME_DIR": "/run/user/\(getuid())"])
        let head = ["--user", "--scope", "--quiet", "--collect", "--description", "pmo deploy 3"]
        #expect(held.arguments.starts(with: head))
        #expect(held.arguments.contains("MemoryMax=536870912") && held.arguments.contains("TasksMax=100"))
        let tail = ["--", "/usr/bin/env", "-u", "XDG_RUNTIME_DIR", try HostPrograms.find("sh"), "-c", "make"]
        #expect(Array(held.arguments.suffix(7)) == tail)
    }

    @Test("Root asks the system's manager; unless told, a step may take three quarters of the memory")
    func ofRoot() async throws {
        let scope = try #require(await detect(isUser: false).0)
        let held = try scope.holding(Command(executable: "/bin/true"), to: BuildLimits(), called: "x")
        #expect(held.arguments.first == "--scope" && held.arguments.contains("MemoryMax=75%"))
        #expect(held.environment["XDG_RUNTIME_DIR"] == nil)
    }

    @Test("A process asks for a unit of its own, with limits, and goes on without where it gets none")
    func isEntered() async throws {
        for (status, isUser) in [(Int32(0), true), (1, false)] {
            let runner = RecordingRunner { _ in CommandResult(status: status) }
            let limits = BuildLimits(memory: status == 0 ? try ByteSize("512M") : nil, tasks: 100)
            let entered = await BuildScope.enter(
                "pmo-deploy-pmo-3", called: "pmo deploy 3", within: limits, isUser: isUser, runner: runner)
            #expect(entered == (status == 0))
            let asked = try #require(runner.commands.first)
            #expect(asked.executable == "busctl" && (asked.arguments.first == "--user") == isUser)
            let words = asked.arguments.joined(separator: " ")
            #expect(
                words.contains("pmo-deploy-pmo-3.scope fail 7 Description s") && words.hasSuffix("TasksMax t 100 0"))
            #expect(words.contains("PIDs au 1 \(getpid()) "))
            #expect(words.contains(isUser ? "MemoryMax t 536870912" : "MemoryMaxScale u 3221225471"))
        }
    }

    @Test("Where systemd does not do it, nothing is held")
    func isAbsent() async throws {
        #expect(await detect(isUser: true, succeeding: false).0 == nil)
    }
}
