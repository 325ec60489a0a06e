import Glibc
import SystemPackage
import Testing

@testable import HostControl

@Suite("ProcessRunner runs real programs")
struct ProcessRunnerTests {
    let runner = ProcessRunner()

    @Test("A status is a result, not an error", arguments: [0, 1, 7, 255])
    func status(_ status: Int32) async throws {
        let result = try await runner.run(.script("exit \(status)"))
        #expect(result.status == status)
        #expect(result.signal == nil)
        #expect(result.succeeded == (status == 0))
    }

    @Test("The signal that ended a program is told", arguments: [SIGKILL, SIGSEGV, SIGTERM])
    func signal(_ signal: Int32) async throws {
        let result = try await runner.run(.script("kill -\(signal) $$"))
        #expect(result.signal == signal)
        #expect(!result.succeeded && !result.timedOut)
    }

    @Test("Output and error output come apart, and the problem is the error output's last three lines")
    func streams() async throws {
        let result = try await runner.run(.script("echo out; printf 'a\\nb\\nc\\nd\\n' >&2; exit 3"))
        #expect(result.text == "out\n")
        #expect(result.problem == "b; c; d")
        #expect(try await runner.run(.script("echo out; exit 3")).problem == "out")
        #expect(try await runner.run(.script("exit 3")).problem == "status 3")
    }

    @Test("Output is kept to the limit, and the rest is read all the same")
    func bounded() async throws {
        let result = try await runner.run(
            .script("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2"), within: .seconds(60), outputLimit: 1000
        )
        #expect(result.succeeded)
        #expect(result.output.count == 1000)
        #expect(result.errorOutput.count == 1000)
    }

    @Test("Both pipes are drained at once, with megabytes in each")
    func bothPipes() async throws {
        let script = "head -c 3000000 /dev/zero >&2 & head -c 3000000 /dev/zero; wait; head -c 70000 /dev/zero >&2"
        let result = try await runner.run(.script(script), within: .seconds(60), outputLimit: 1 << 22)
        #expect(result.output.count == 3_000_000)
        #expect(result.errorOutput.count == 3_070_000)
    }

    @Test("Input of megabytes arrives whole; without any, there is nothing to read")
    func input() async throws {
        var command = Command(executable: "sha256sum")
        command.input = [UInt8](repeating: 0, count: 3_000_000)
        let expected = try await runner.run(.script("head -c 3000000 /dev/zero | sha256sum"))
        #expect(try await runner.run(command).text == expected.text)
        #expect(try await runner.run(Command(executable: "cat")).output == [])
    }

    @Test("The environment is exactly what was given")
    func environment() async throws {
        let given = ["A": "1", "B": "two words", "C": "", "D": "a=b\nc"]
        let result = try await runner.run(Command(executable: "/usr/bin/env", arguments: ["-0"], environment: given))
        #expect(
            result.output.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.sorted()
                == ["A=1", "B=two words", "C=", "D=a=b\nc"])
        let none = try await runner.run(Command(executable: "/usr/bin/env", environment: [:]))
        #expect(none.text == "")
    }

    @Test("It starts in the directory that was given")
    func directory() async throws {
        #expect(try await runner.run(Command(executable: "pwd", directory: "/usr/bin")).text == "/usr/bin\n")
    }

    @Test("No other descriptor of ours reaches a program, and no signal that we ignore")
    func inheritsNothing() async throws {
        Glibc.signal(SIGPIPE, SIG_IGN)
        let file = dup(0)
        defer { close(file) }
        // ls itself opens the directory.
        #expect(try await runner.run(Command(executable: "ls", arguments: ["/proc/self/fd"])).text == "0\n1\n2\n3\n")
        let result = try await runner.run(.script("grep SigIgn /proc/self/status"))
        let ignored = try #require(UInt64(result.text.split(whereSeparator: \.isWhitespace).last ?? "", radix: 16))
        // Above 31 are the C library's own.
        #expect(ignored & 0x7fff_ffff == 0)
    }

    @Test("F23: when the time is up, TERM ends the program")
    func termAtTheLimit() async throws {
        let result = try await runner.run(.script("exec sleep 600"), within: .milliseconds(200))
        #expect(result.timedOut && !result.succeeded)
        #expect(result.signal == SIGTERM)
    }

    @Test("F23: what ignores TERM gets KILL 5 s later, with the whole of its group")
    func killOfTheGroup() async throws {
        let begun = ContinuousClock.now
        // Signals that sh ignores are ignored in what it starts.
        let result = try await runner.run(
            .script("trap '' TERM; echo $$; sleep 600 & sleep 600; sleep 600"), within: .milliseconds(200))
        let took = ContinuousClock.now - begun
        #expect(result.timedOut)
        #expect(result.signal == SIGKILL)
        #expect(took > .seconds(5))
        let group = try #require(Int32(result.text.dropLast()))
        #expect(await eventually { ProcessGroup.isEmpty(group) })
    }

    @Test("F23: a child that outlives the TERM of its parent is killed too")
    func killOfTheRest() async throws {
        let script = "(trap '' TERM; exec sleep 600) & echo $!; exec sleep 600"
        let result = try await runner.run(.script(script), within: .milliseconds(300))
        #expect(result.signal == SIGTERM)
        let child = try #require(Int32(result.text.dropLast()))
        #expect(await eventually { ProcessGroup.processes { $0.pid == child && $0.state != "Z" }.isEmpty })
    }

    @Test("A grandchild in the background that holds the pipe neither hangs the call nor lives on")
    func backgroundGrandchild() async throws {
        let result = try await runner.run(.script("sleep 600 & echo $!"))
        #expect(result.succeeded)
        let grandchild = try #require(Int32(result.text.dropLast()))
        #expect(await eventually { ProcessGroup.processes { $0.pid == grandchild && $0.state != "Z" }.isEmpty })
    }

    @Test("A program that closes its pipes and goes on is waited for, until the time is up")
    func closedPipes() async throws {
        #expect(try await runner.run(.script("exec >&- 2>&-; sleep 0.3; exit 4")).status == 4)
        let late = try await runner.run(.script("exec >&- 2>&-; exec sleep 600"), within: .milliseconds(200))
        #expect(late.timedOut && late.signal == SIGTERM)
    }

    @Test("No zombie is left, whatever the end was")
    func noZombies() async throws {
        for ending in ["exit 0", "exit 1", "kill -9 $$", "exec sleep 60"] {
            let result = try await runner.run(.script("echo $$; \(ending)"), within: .milliseconds(400))
            let pid = try #require(Int32(result.text.dropLast()))
            #expect(!exists(pid), "\(ending)")
        }
    }

    @Test("Twenty at once do not wait for one another")
    func sideBySide() async throws {
        try await withThrowingTaskGroup(of: CommandResult.self) { group in
            for number in 0..<20 {
                group.addTask { try await ProcessRunner().run(.script("sleep 0.2; echo \(number)")) }
            }
            let texts = try await group.reduce(into: Set<String>()) { $0.insert($1.text) }
            #expect(texts.count == 20)
        }
    }

    @Test("A program that is not there is an error that names it, and costs no descriptor")
    func missing() async throws {
        let before = Self.openFiles
        for _ in 0..<100 {
            await #expect(throws: HostError.self) { try await runner.run(Command(executable: "/nowhere/program")) }
            await #expect(throws: HostError.self) { try await runner.run(Command(executable: "no-such-program")) }
        }
        // Tests beside this one open and close files meanwhile.
        #expect(Self.openFiles < before + 100)
        do {
            _ = try await runner.run(Command(executable: "/nowhere/program"))
            Issue.record("it was started")
        } catch {
            #expect(error.description == "cannot start /nowhere/program: No such file or directory")
        }
    }

    @Test("A program in the foreground has our descriptors, and a signal is 128 and its number")
    func foreground() throws {
        #expect(try ForegroundProcess.run("/bin/sh", ["-c", "exit 5"], environment: [:]) == 5)
        #expect(try ForegroundProcess.run("/bin/sh", ["-c", "kill -9 $$"], environment: [:]) == 137)
    }

    @Test("A detached program leads a session of its own, reads nothing, and appends to its log")
    func detached() async throws {
        try await withDirectory { directory in
            let log = directory.appending("log")
            try log.write("before\n")
            let script = "cat; echo \"$A $(pwd)\"; echo error >&2; ls /proc/self/fd | tail -1; ps -o sid= -p $$"
            let pid = try DetachedProcess.spawn(
                executable: "/bin/sh", arguments: ["-c", script], environment: ["A": "1", "PATH": HostPrograms.path],
                log: log)
            var status: Int32 = 0
            #expect(await eventually { waitpid(pid, &status, WNOHANG) == pid })
            #expect(status == 0)
            let lines = try #require(log.content).split(separator: "\n").map { $0.filter { $0 != " " || $0 == "/" } }
            #expect(lines == ["before", "1/", "error", "3", "\(pid)"])
        }
    }

    private static var openFiles: Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count
    }
}

@Suite("HostPrograms finds programs")
struct HostProgramsTests {
    @Test("A program is found by its absolute path, whatever this process's own PATH is")
    func found() throws {
        #expect(try HostPrograms.find("env") == "/usr/bin/env")
    }

    @Test("One that is missing is named, with the command that installs it", arguments: ["no-such-program", "x/y"])
    func missing(_ name: String) {
        #expect {
            try HostPrograms.find(name)
        } throws: { error in
            guard let error = error as? HostError, case .missingProgram(name, let package) = error else { return false }
            return error.description == "\(name) is not installed" && error.hint == "apt-get install \(package)"
        }
    }
}
