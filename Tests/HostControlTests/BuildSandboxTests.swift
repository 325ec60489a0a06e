import Foundation
import Glibc
import SystemPackage
import Testing

@testable import HostControl

private func canSandbox() async -> Bool { await BuildSandbox.detect(runner: ProcessRunner()) == .bubblewrap }

@Suite("BuildSandbox with the real bubblewrap", .enabled("bubblewrap works here", { await canSandbox() }))
struct BuildSandboxTests {
    /// A place that a step sees, unless something is hidden in it: `/tmp` is its own.
    private static let shown = "/var/tmp"

    /// A home with another app's secret, a release under construction and a cache.
    private struct Home {
        let root: FilePath
        let partial: FilePath
        let final: FilePath
        let cache: FilePath
        let secret: FilePath

        init(_ directory: FilePath) throws {
            root = try directory.directory("home")
            partial = try root.directory("app/releases/.1.partial")
            final = root.appending("app/releases/abc")
            cache = try root.directory("app/cache")
            secret = try root.directory("other/env").appending("values")
            try secret.write("canary", mode: 0o600)
            try partial.appending("package.json").write("{}")
        }

        func run(_ step: String, environment: [String: String] = HostPrograms.environment) async throws -> CommandResult
        {
            try await ProcessRunner().run(
                BuildSandbox.bubblewrap.command(
                    step: step, release: partial, finalPath: final, cache: cache, hide: root, environment: environment))
        }
    }

    @Test("A step works in the release at its final path, and release and cache are writable")
    func writable() async throws {
        try await withDirectory { directory in
            let home = try Home(directory)
            let result = try await home.run(
                "pwd; cat package.json; echo built > made; echo kept > '\(home.cache)/kept'")
            #expect(result.succeeded, "\(result.problem)")
            #expect(result.text == "\(home.final)\n{}")
            #expect(home.partial.appending("made").content == "built\n")
            #expect(home.cache.appending("kept").content == "kept\n")
            #expect(access(home.final.string, F_OK) != 0)
        }
    }

    @Test("A38: a step cannot ask its user's systemd to run something outside", .enabled(if: geteuid() == 0))
    func userManager() async throws {
        try await withDirectory { directory in
            let home = try Home(directory)
            let place = "/run/user/\(getpid())"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: place) }
            let result = try await home.run("ls /run/user; ls '\(place)'")
            #expect(!result.succeeded && result.text == "", "\(result)")
        }
    }

    @Test(
        "A38: a step can neither read nor change what is hidden",
        arguments: [
            "cat SECRET", "ls HOME/other", "cat /proc/1/root/SECRET", "ls HOME/app/releases/.1.partial",
            "umount HOME", "mount -t proc proc /mnt", "chroot /proc/1/root true",
        ])
    func hidden(_ step: String) async throws {
        try await withDirectory(in: Self.shown) { directory in
            let home = try Home(directory)
            let result = try await home.run(
                step.replacing("SECRET", with: home.secret.string).replacing("HOME", with: home.root.string))
            #expect(result.status != 0)
            #expect(!result.text.contains("canary"))
            #expect(try await home.run("test -e package.json").succeeded, "it is the step's doing that it fails")
        }
    }

    @Test("A38: what a step writes into the hidden home does not reach the real one")
    func writesGoNowhere() async throws {
        try await withDirectory(in: Self.shown) { directory in
            let home = try Home(directory)
            _ = try await home.run(
                "mkdir -p '\(home.root)/other/env'; echo evil > '\(home.secret)'; echo evil > '\(home.root)/app/x'")
            #expect(home.secret.content == "canary")
            #expect(access(home.root.appending("app/x").string, F_OK) != 0)
        }
    }

    @Test("A38: the rest of the host is read-only", arguments: ["/etc", "/usr/bin", "/var/tmp"])
    func readOnly(_ place: String) async throws {
        try await withDirectory { directory in
            let result = try await Home(directory).run("touch \(place)/pmo-release-was-here")
            #expect(result.status != 0)
            #expect(access("\(place)/pmo-release-was-here", F_OK) != 0)
        }
    }

    @Test("A38: what only root may read of the host is hidden from a build that runs as root")
    func masks() async throws {
        try await withDirectory { directory in
            let home = try Home(directory)
            #expect(try await home.run("test -z \"$(ls -A /root)\" && test ! -s /etc/shadow").status == 0)
        }
    }

    @Test("A38: a build cannot touch what the host reads of a release, .pmo")
    func privateDirectory() async throws {
        try await withDirectory { directory in
            let home = try Home(directory)
            let kept = home.partial.appending(".pmo")
            mkdir(kept.string, 0o755)
            let file = kept.appending("site.conf")
            close(open(file.string, O_WRONLY | O_CREAT, 0o644))
            #expect(try await home.run("test ! -e .pmo/site.conf; echo evil > .pmo/site.conf").status == 0)
            #expect(file.content == "")
        }
    }

    @Test("A38: /tmp is the step's own")
    func ownTemporaryFiles() async throws {
        try await withDirectory { directory in
            let home = try Home(directory)
            try directory.appending("outside").write("canary")
            let result = try await home.run("echo x > /tmp/mine && cat '\(directory)/outside'")
            #expect(result.status != 0 && !result.text.contains("canary"))
            #expect(access("/tmp/mine", F_OK) != 0)
        }
    }

    @Test("A step sees no process but its own")
    func ownProcesses() async throws {
        try await withDirectory { directory in
            let result = try await Home(directory).run("kill -0 \(getpid())")
            #expect(result.status != 0)
        }
    }

    @Test("A39: what a step leaves running is killed, even in a session of its own")
    func leftOver() async throws {
        try await withDirectory { directory in
            let home = try Home(directory)
            let mark = "6\(getpid()).25"
            let result = try await home.run(
                "setsid sh -c 'trap \"\" TERM HUP; sleep \(mark); sleep \(mark)' >/dev/null 2>&1 & sleep 0.3")
            #expect(result.succeeded)
            #expect(await eventually(within: .seconds(60)) { Self.running(mark).isEmpty })
        }
    }

    @Test("A39, F23: a step that hangs is ended at its limit, with all that it has started")
    func limit() async throws {
        try await withDirectory { directory in
            let home = try Home(directory)
            let mark = "7\(getpid()).25"
            let command = BuildSandbox.bubblewrap.command(
                step: "trap '' TERM; setsid sleep \(mark) & sleep \(mark)", release: home.partial,
                finalPath: home.final, cache: home.cache, hide: home.root, environment: HostPrograms.environment)
            let result = try await ProcessRunner().run(command, within: .milliseconds(500))
            #expect(result.timedOut)
            #expect(await eventually(within: .seconds(60)) { Self.running(mark).isEmpty })
        }
    }

    @Test("A40: the environment reaches the step, and no command line")
    func secretsInTheEnvironment() async throws {
        try await withDirectory { directory in
            let home = try Home(directory)
            var environment = HostPrograms.environment
            environment["SECRET"] = "canary-\(getpid())"
            let command = BuildSandbox.bubblewrap.command(
                step: "echo $SECRET; env | wc -l", release: home.partial, finalPath: home.final, cache: home.cache,
                hide: home.root, environment: environment)
            #expect(!command.arguments.contains { $0.contains("canary") })
            let result = try await home.run(
                "tr '\\0' ' ' < /proc/1/cmdline; echo; echo $SECRET", environment: environment)
            let lines = result.text.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines.first?.contains("canary") == false)
            #expect(lines.last == "canary-\(getpid())")
        }
    }

    @Test("A step that fails fails the command with its status; an unset variable and a failed line end it")
    func failures() async throws {
        try await withDirectory { directory in
            let home = try Home(directory)
            #expect(try await home.run("exit 9").status == 9)
            #expect(try await home.run("false; exit 0").status == 1)
            #expect(try await home.run("echo $NO_SUCH_VALUE; exit 0").status != 0)
        }
    }

    private static func running(_ mark: String) -> [Int32] {
        ProcessGroup.allPids().filter { ProcessGroup.text("/proc/\($0)/cmdline")?.contains(mark) == true }
    }
}

@Suite("BuildSandbox without bubblewrap")
struct BuildWithoutSandboxTests {
    @Test("A step runs plainly at the final path")
    func command() {
        let command = BuildSandbox.none("why").command(
            step: "make", release: "/h/a/releases/.1.partial", finalPath: "/h/a/releases/abc", cache: "/h/a/cache",
            hide: "/h", environment: ["A": "1"])
        #expect(
            command
                == Command(
                    executable: "/bin/sh", arguments: ["-eu", "-c", "make"], environment: ["A": "1"],
                    directory: "/h/a/releases/abc"))
    }

    @Test("Where bubblewrap cannot work, it is said why")
    func detection() async {
        let bwrap = RecordingRunner { _ in CommandResult(status: 1, errorOutput: Array("no namespaces\n".utf8)) }
        #expect(await BuildSandbox.detect(runner: bwrap) == .none("no namespaces"))
        let missing = RecordingRunner { _ throws(HostError) in
            throw .missingProgram(name: "bwrap", package: "bubblewrap")
        }
        #expect(await BuildSandbox.detect(runner: missing) == .none("bwrap is not installed"))
    }
}
