import Glibc
import ReleaseModel
import SiteTemplates
import Testing

/// An instance's directory and its release, with the scripts as they are rendered; `run` is run by the real shell.
private struct Instance {
    let directory: TemporaryDirectory
    var release: String { "\(directory.path)/releases/r" }
    var instance: String { "\(directory.path)/slots/api/1/1" }

    init(
        _ command: String, name: String = "", environment: [String: String] = [:], memory: Bool = false,
        slot: Endpoint? = .port(20_001)
    ) throws {
        directory = try TemporaryDirectory(name)
        var context = try UnitContext.sample(command, release: "\(directory.path)/releases/r")
        if !memory { context.service.memory = nil }
        context.service.stop = StopRule(signal: .term, within: try TimeLimit("1s"))
        let unit = try SiteTemplates.serviceUnit(context)
        let values = try Dictionary(uniqueKeysWithValues: environment.map { (try EnvironmentKey($0.key), $0.value) })
        try directory.write(SiteTemplates.environmentFile(values), to: "releases/r/.pmo/env", mode: 0o600)
        try directory.write("", to: "releases/r/apps/api/.keep")
        try directory.write(SiteTemplates.slotFile(endpoint: slot, instance: 3), to: "slots/api/1/1/slot")
        try directory.write(unit.run, to: "slots/api/1/1/run", mode: 0o755)
        try directory.write(unit.finish, to: "slots/api/1/1/finish", mode: 0o755)
        try directory.write(unit.stop, to: "slots/api/1/1/control/t", mode: 0o755)
        // A file that this process has written cannot be run while a child of another test still has it open (ETXTBSY).
        try shell(
            "cd \(instance.shellQuoted) && for f in run finish control/t; do cp -p $f $f.copy && mv -f $f.copy $f; done"
        )
    }

    /// What `run` prints when it is started as a supervisor does, in an environment that has too much.
    func output() throws -> String { try shell("cd \(instance.shellQuoted) && LEAK=1 IFS=x ./run") }
}

@Suite("The run script")
struct RunScriptTests {
    private static let nasty = [
        "plain", "", " a  b ", "it's", "''", "\"", "\\", "\\\\", "\\n", "$HOME", "${X}", "`id`", "$(id)", "a\nb\n\nc",
        "\n", "trailing\n",
        "\r\n", "\t", "%s%n", "!!", "#x", "~", "*", "-n", "a=b", "\u{fc}\u{1f600}", "\u{1}\u{7f}", "'\\''",
        "'; exit 1; '", "{{X}}", "<&>",
    ]

    @Test("nginx's workers, another user, may connect to its socket, whatever the service says")
    func openSocket() throws {
        let path = "/tmp/pmo-open-\(getpid()).sock"
        let bind = "import os, socket; socket.socket(socket.AF_UNIX).bind(os.environ[\"SOCKET\"])"
        let instance = try Instance(
            "python3 -c '\(bind)'; sleep 1; stat -c %a \"$SOCKET\"; rm \"$SOCKET\"", slot: .socket(path))
        #expect(try instance.output() == "666\n")
    }

    @Test("A24: every value reaches the service byte for byte", arguments: nasty)
    func environmentRoundTrip(_ value: String) throws {
        let instance = try Instance("printf '%s' \"$VALUE\"; printf .", environment: ["VALUE": value])
        #expect(try instance.output() == value + ".")
    }

    @Test("A24: a value of 100,000 bytes reaches the service")
    func longValue() throws {
        let value = String(repeating: "it's \\ \"$x\" ", count: 8_400)
        let instance = try Instance("printf '%s' \"$VALUE\"", environment: ["VALUE": value])
        #expect(try instance.output() == value)
    }

    @Test("the service gets its environment and nothing of the supervisor's")
    func environmentIsClean() throws {
        let instance = try Instance("env", environment: ["MINE": "1"])
        let lines = try instance.output().split(separator: "\n").map(String.init)
        let names = Set(lines.compactMap { $0.split(separator: "=").first.map(String.init) })
        #expect(
            names.subtracting(["PWD", "OLDPWD", "_", "SHLVL"]) == [
                "PATH", "HOME", "MINE", "PORT", "PMO_INSTANCE", "PMO_APP", "PMO_SERVICE", "PMO_COMMIT", "PMO_BRANCH",
                "PMO_DESCRIBE", "PMO_RELEASE",
            ])
        let release = instance.release
        for line in [
            "PATH=\(release)/.venv/bin:/opt/x/bin:\(SiteTemplates.programPath)",
            "HOME=\(instance.directory.path)/home", "PORT=20001",
            "PMO_INSTANCE=3", "PMO_APP=shop", "PMO_SERVICE=api", "PMO_BRANCH=main", "PMO_DESCRIBE=v1.2-3-g4f2c9ab",
            "PMO_RELEASE=\(release)",
        ] {
            #expect(lines.contains(line), "not in \(lines)")
        }
    }

    @Test("the operator's PATH and HOME win")
    func pathWins() throws {
        let instance = try Instance("echo $PATH $HOME", environment: ["PATH": "/bin", "HOME": "/x"])
        #expect(try instance.output() == "/bin /x\n")
    }

    @Test(
        "the command runs in the service's directory, whatever the home is called",
        arguments: ["", "a b", "it's $x", "a\"b\\", "-rf"])
    func directory(_ name: String) throws {
        let instance = try Instance("pwd -P", name: name)
        #expect(try instance.output() == "\(instance.release)/apps/api\n")
    }

    @Test(
        "A23: a command of several lines, quotes and pipes is run as it is written",
        arguments: [
            ("echo a\necho b", "a\nb\n"), ("printf '%s' \"it's\" | tr a-z A-Z", "IT'S"),
            ("echo 'a  b' \"c\"", "a  b c\n"),
            ("FOO=1 sh -c 'echo $FOO'", "1\n"), ("true && echo $PORT # c", "20001\n"),
            ("if true; then echo x; fi", "x\n"),
            ("exec printf x", "x"), ("cd / && pwd", "/\n"), ("echo \\$x", "$x\n"), ("/usr/bin/printf '%s' a", "a"),
            ("cat <<E\n$PMO_APP\nE", "shop\n"), ("echo x >&2", "x\n"),
        ])
    func commands(_ command: String, _ output: String) throws {
        #expect(try Instance(command).output() == output)
    }

    @Test("a simple command takes the shell's place, and leads a process group of its own")
    func takesPlace() throws {
        let instance = try Instance("python3 probe.py")
        let script = """
            import os
            print(os.getpid() == os.getpgid(0), os.getpid() == int(open("../../../../slots/api/1/1/pgid").read().split()[0]))
            """
        try instance.directory.write(script, to: "releases/r/apps/api/probe.py")
        let output = try instance.output()
        #expect(output == "True True\n")
    }

    @Test("a stale socket is removed before the service starts, and a memory limit is set")
    func socketAndMemory() throws {
        let instance = try Instance(
            "ls \"$SOCKET\"; ulimit -d", memory: true, slot: .socket("/tmp/pmo-stale-\(getpid()).sock"))
        try shell("touch /tmp/pmo-stale-\(getpid()).sock")
        let output = try instance.output()
        #expect(output.contains("No such file"))
        #expect(output.hasSuffix("524288\n"))
    }

    @Test("F39: what a killed supervisor has left running is ended before the next one starts, and nobody else is")
    func orphan() throws {
        let instance = try Instance("echo $$; exec sleep 100")
        let place = instance.instance
        try shell("cd \(place) && (setsid ./run > first 2>&1 &) && until [ -s first ]; do sleep 0.05; done")
        let first = try #require(instance.directory.read("slots/api/1/1/first").flatMap { Int32($0.dropLast()) })
        #expect(kill(first, 0) == 0)
        try shell("cd \(place) && (setsid ./run > second 2>&1 &) && until [ -s second ]; do sleep 0.05; done")
        let second = try #require(instance.directory.read("slots/api/1/1/second").flatMap { Int32($0.dropLast()) })
        func isAlive(_ pid: Int32) throws -> Bool {
            let state = try shell("ps -o stat= -p \(pid) || true")
            return !state.isEmpty && !state.hasPrefix("Z")
        }
        #expect(try !isAlive(first) && isAlive(second))
        kill(-second, SIGKILL)
        // A number that another process of the service has by now.
        try shell("cd \(place); PMO_SERVICE=api setsid sleep 100 > other 2>&1 & echo $! 1 > pgid; sleep 0.2")
        let other = try #require(
            instance.directory.read("slots/api/1/1/pgid")?.split(separator: " ").first.flatMap { Int32($0) })
        try shell("cd \(place) && (setsid ./run > third 2>&1 &) && until [ -s third ]; do sleep 0.05; done")
        let third = try #require(instance.directory.read("slots/api/1/1/third").flatMap { Int32($0.dropLast()) })
        #expect(try isAlive(other) && isAlive(third))
        for pid in [other, third] { kill(-pid, SIGKILL) }
    }

    @Test("F28: finish counts the ends, and keeps runsv's words for the last; what it cannot read counts as none")
    func ends() throws {
        let instance = try Instance("true")
        for (before, words, after) in [
            (nil, "2 0", "1 2 0\n"), ("1 2 0\n", "-1 11", "2 -1 11\n"), ("x y\n", "0 0", "1 0 0\n"),
            ("", "0 0", "1 0 0\n"), ("1000000 0 0\n", "0 0", "1 0 0\n"),
        ] {
            if let before { try instance.directory.write(before, to: "slots/api/1/1/ended") }
            try shell("cd \(instance.instance) && ./finish \(words)")
            #expect(instance.directory.read("slots/api/1/1/ended") == after)
        }
    }

    @Test(
        "finish ends what the instance left behind, and KILLs what ignores its signal",
        arguments: ["", "trap '' TERM; "])
    func finish(_ prefix: String) throws {
        let instance = try Instance("(\(prefix)while :; do sleep 0.1; done) & echo $!")
        // Inside a pipe the survivor would hold the output open.
        try shell("cd \(instance.instance) && ./run > out")
        let pid = try #require(
            instance.directory.read("slots/api/1/1/out")?.split(separator: "\n").first.flatMap { Int32($0) })
        #expect(kill(pid, 0) == 0)
        try shell("cd \(instance.instance) && ./finish 0 0")
        try shell(
            "for i in 1 2 3 4 5 6 7 8 9 10; do case $(cut -d' ' -f3 /proc/\(pid)/stat 2>/dev/null) in ''|Z) exit 0;; esac; sleep 0.1; done; exit 1"
        )
        #expect(instance.directory.read("slots/api/1/1/pgid") == nil)
    }

    @Test("finish does nothing where there is nothing, or no number", arguments: ["", "x", "-1", "0", "1", "99999999"])
    func finishNothing(_ pgid: String) throws {
        let instance = try Instance("true")
        if !pgid.isEmpty { try instance.directory.write("\(pgid)\n", to: "slots/api/1/1/pgid") }
        #expect(try shell("cd \(instance.instance) && ./finish 0 0") == "")
    }

    @Test("control/t sends the signal to the whole group")
    func control() throws {
        let instance = try Instance(
            "(trap 'echo child; exit' TERM; while :; do sleep 0.1; done) & trap 'echo parent; exit' TERM; while :; do sleep 0.1; done"
        )
        try shell(
            "cd \(instance.instance) && mkdir supervise && (./run > out & echo $! > supervise/pid; sleep 1; ./control/t; wait)"
        )
        try shell("sleep 0.3")
        let lines = Set(try #require(instance.directory.read("slots/api/1/1/out")).split(separator: "\n"))
        #expect(lines.isSuperset(of: ["parent", "child"]))
    }
}
