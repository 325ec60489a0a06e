import Foundation
import Glibc
import SystemPackage
import Testing

@testable import HostControl

private let seal: [UInt8] = {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return (try? Data(contentsOf: package.appendingPathComponent("templates/seal"))).map(Array.init) ?? []
}()

private func canSeal() async -> Bool {
    await ReleaseSeal(script: seal, releases: "/usr").problem(runner: ProcessRunner()) == nil
}

/// As whom a command runs: by setpriv(1), which only root can ask.
private enum User: String, CaseIterable {
    case root, nobody

    func command(_ command: Command) -> Command {
        guard self == .nobody, geteuid() == 0 else { return command }
        var other = command
        other.executable = "/usr/bin/setpriv"
        other.arguments =
            ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", command.executable]
            + command.arguments
        return other
    }
}

@Suite("ReleaseSeal with the real namespaces", .enabled("namespaces can be made here", { await canSeal() }))
struct ReleaseSealTests {
    /// An app's directory that everybody may write to, but for the seal.
    private func withApp(_ body: (FilePath, ReleaseSeal) async throws -> Void) async throws {
        try await withDirectory { directory in
            for name in ["releases/a", "shared", "slots"] { _ = try directory.directory(name) }
            try directory.appending("releases/a/page").write("whole\n", mode: 0o666)
            for name in ["", "releases", "releases/a", "shared", "slots"] {
                chmod(directory.appending(name).string, 0o777)
            }
            try await body(directory, ReleaseSeal(script: seal, releases: directory.appending("releases")))
        }
    }

    @Test(
        "A sealed command cannot change a release in any way",
        arguments: [
            "echo X > a/page", "echo X >> a/page", "truncate -s 0 a/page", "chmod 600 a/page", "rm a/page",
            "mv a/page a/other", "ln a/page ../shared/page", "touch a/page", "touch a/new", "mkdir a/new", "mv a b",
            "python3 -c 'import mmap; f = open(\"a/page\", \"r+b\"); mmap.mmap(f.fileno(), 0)[0] = 88'",
        ], User.allCases)
    fileprivate func refused(_ step: String, _ user: User) async throws {
        try await withApp { directory, seal in
            let releases = directory.appending("releases")
            let script = "cd '\(releases)' && \(step)"
            let open = try await ProcessRunner().run(user.command(.script("cd '\(releases)' && test -w a && id -u")))
            #expect(open.text == (user == .root && geteuid() == 0 ? "0\n" : "\(geteuid() == 0 ? 65534 : geteuid())\n"))
            let result = try await ProcessRunner().run(user.command(seal.command(.script(script))))
            // The mount is another one than that of the directories beside it.
            let errors = ["Read-only file system", "Invalid cross-device link"]
            #expect(!result.succeeded && errors.contains { result.problem.contains($0) }, "\(result.problem)")
            #expect(releases.appending("a/page").content == "whole\n")
            // Nobody else notices.
            try releases.appending("a/page").write("new\n")
        }
    }

    @Test("It can write beside them, is the same user and the same process, and gets its arguments as they are")
    func allowed() async throws {
        for user in User.allCases {
            try await withApp { directory, seal in
                let script =
                    "echo kept > \"$1/shared/x\"; echo $$; id -u; printf '%s|' \"$@\"; cat \"$1/releases/a/page\""
                let command = Command.script("echo $$; exec \"$@\"", "PLACE")
                var sealed = seal.command(.script(script, directory.string, "it's", "a b", ""))
                sealed = user.command(sealed)
                var outer = command
                outer.arguments = Array(command.arguments.dropLast()) + [sealed.executable] + sealed.arguments
                let result = try await ProcessRunner().run(outer)
                #expect(result.succeeded, "\(result.problem)")
                let lines = result.text.split(separator: "\n").map(String.init)
                #expect(lines.count == 4 && lines[0] == lines[1], "\(result.text)")
                #expect(lines[2] == (user == .nobody && geteuid() == 0 ? "65534" : "\(geteuid())"))
                #expect(lines[3] == "\(directory)|it's|a b||whole")
                #expect(directory.appending("shared/x").content == "kept\n")
            }
        }
    }

    @Test(
        "Who is not root cannot lift the seal",
        arguments: ["umount R", "mount -o remount,bind,rw R", "unshare -Urm umount R"])
    func cannotBeLifted(_ step: String) async throws {
        try await withApp { directory, seal in
            let releases = directory.appending("releases").string
            let script =
                "\(step.replacingOccurrences(of: "R", with: "'\(releases)'", options: [], range: nil)); echo X > '\(releases)/a/page'"
            let result = try await ProcessRunner().run(User.nobody.command(seal.command(.script(script))))
            #expect(!result.succeeded, "\(result.text)")
            #expect(directory.appending("releases/a/page").content == "whole\n")
        }
    }

    @Test("Where it cannot be made the command does not run, and the reason is told")
    func missing() async throws {
        try await withApp { directory, _ in
            let seal = ReleaseSeal(script: seal, releases: directory.appending("none"))
            let result = try await ProcessRunner().run(seal.command(.script("echo ran")))
            #expect(!result.succeeded && !result.text.contains("ran"), "\(result.text)")
            #expect(try #require(await seal.problem(runner: ProcessRunner())).contains("none"))
            let open = ReleaseSeal(script: Array("shift; exec \"$@\"".utf8), releases: directory.appending("releases"))
            #expect(try #require(await open.problem(runner: ProcessRunner())).contains("can be written to"))
            #expect(directory.appending("releases/.writable").content == nil)
        }
    }
}
