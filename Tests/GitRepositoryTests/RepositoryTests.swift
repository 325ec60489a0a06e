import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("Repositories and receivers")
struct RepositoryTests {
    @Test("Says where there is no repository")
    func missing() throws {
        try withScratch { scratch in
            let error = try #require(throws: GitError.self) {
                try GitRepository(opening: scratch.root.appending("missing"))
            }
            #expect(error.description.contains(scratch.root.string))
            #expect(error.hint == "pmo-release apps")
            // What lies above is not searched.
            #expect(throws: GitError.self) { try GitRepository(opening: scratch.repository.appending("objects")) }
        }
    }

    @Test("libgit2 reads no certificate authorities: it is the program's own function that it calls for that")
    func authorities() throws {
        try Library.start()
        let found = try #require(dlsym(dlopen(nil, RTLD_NOW), "mbedtls_x509_crt_parse_file"))
        let line = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n").first { line in
            let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            return ends.count == 2 && (ends[0]..<ends[1]).contains(UInt(bitPattern: found))
        }
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        #expect(try #require(line).hasSuffix(program))
    }

    @Test("Makes a receiver that git agrees with")
    func receiver() throws {
        try withScratch { scratch in
            let path = scratch.root.appending("app.git")
            try GitRepository.createReceiver(at: path, branch: BranchName("release/1"))
            let git = { (arguments: [String]) in
                String(decoding: try scratch.run(["git", "--git-dir", path.string] + arguments), as: UTF8.self)
            }
            #expect(try git(["symbolic-ref", "HEAD"]) == "refs/heads/release/1\n")
            for (key, value) in ReceiverConfiguration.values + [("core.bare", "true")] {
                #expect(try git(["config", "--get-all", key]) == "\(value)\n")
            }
            let error = try #require(throws: GitError.self) {
                try GitRepository.createReceiver(at: path, branch: BranchName("main"))
            }
            #expect(error.description == "there is something at \(path) already")
            #expect(try git(["symbolic-ref", "HEAD"]) == "refs/heads/release/1\n")
        }
    }

    @Test("Takes a push through its own hooks, whatever the user's configuration says")
    func push() throws {
        try withScratch { scratch in
            let receiver = try receiverWithHook(scratch)
            // A commit with a fault that old repositories have, which git refuses unless told otherwise.
            let commit = try oldCommit(in: scratch)
            let user = scratch.root.appending("gitconfig").string
            try scratch.git("config", "--file", user, "core.hooksPath", "/nowhere")
            try scratch.git("push", "--quiet", receiver.string, "\(commit):refs/heads/main")
            #expect(FileManager.default.fileExists(atPath: receiver.appending("hook-ran").string))
            let repository = try GitRepository(opening: receiver)
            #expect(try repository.commitID(of: "refs/heads/main") == commit)
            #expect(try repository.commitID(of: "HEAD") == commit)
            try repository.setReference("refs/pmo/releases/1", to: commit)
            let listed = try scratch.run(["git", "ls-remote", receiver.string])
            #expect(!String(decoding: listed, as: UTF8.self).contains("refs/pmo"))
        }
    }

    @Test("Takes no objects that git itself finds faulty, even where no hook looks at them (A14)")
    func check() throws {
        try withScratch { scratch in
            let receiver = try receiverWithHook(scratch)
            let blob = try scratch.blob([120])
            let twice = try scratch.commit(
                tree: scratch.rawTree(
                    [1, 2].flatMap { _ in
                        Array("100644 a\0".utf8) + octets(blob)
                    }))
            #expect(throws: (any Error).self) {
                try scratch.git("push", "--quiet", receiver.string, "\(twice):refs/heads/main")
            }
            #expect(throws: GitError.self) { try GitRepository(opening: receiver).commit(twice) }
        }
    }

    @Test(
        "Has the reference of a push on the disk when git answers", .enabled(if: access("/usr/bin/strace", X_OK) == 0))
    func durable() throws {
        try withScratch { scratch in
            let receiver = try receiverWithHook(scratch)
            let commit = try scratch.commit([.file("a")])
            let log = scratch.root.appending("trace").string
            let serve = "strace -f -y -e trace=fsync,fdatasync -o \(log) git-receive-pack"
            try scratch.git(
                "push", "--quiet", "--receive-pack", serve, receiver.string, "\(commit):refs/heads/main")
            let calls = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
            #expect(calls.contains { $0.contains("/refs/heads/main.lock>) = 0") }, "\(calls)")
            #expect(calls.contains { $0.contains("/objects/") }, "\(calls)")
        }
    }

    private func octets(_ id: String) -> [UInt8] {
        stride(from: 0, to: id.utf8.count, by: 2).compactMap {
            UInt8(id.dropFirst($0).prefix(2), radix: 16)
        }
    }

    private func receiverWithHook(_ scratch: Scratch) throws -> FilePath {
        let receiver = scratch.root.appending("app.git")
        try GitRepository.createReceiver(at: receiver, branch: BranchName("main"))
        try scratch.run(["git", "--git-dir", receiver.string, "config", "--unset", "receive.procReceiveRefs"])
        let hook = receiver.appending("hooks/post-receive").string
        try Data("#!/bin/sh\ncat >hook-ran\n".utf8).write(to: URL(fileURLWithPath: hook))
        chmod(hook, 0o755)
        return receiver
    }

    private func oldCommit(in scratch: Scratch) throws -> CommitID {
        let text = """
            tree \(try scratch.tree([.file("a")]))
            author A <a@example.org> 1313584730 +051800
            committer A<a@example.org> 1313584730 +0518

            old

            """
        return try CommitID(
            scratch.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", input: Array(text.utf8)))
    }

    @Test("Sees a push in quarantine by the hook's environment, and writes no reference there")
    func quarantine() async {
        await #expect(processExitsWith: .success) {
            try withScratch { scratch in
                let quarantine = try scratch.makeDirectory("quarantine").string
                let objects = scratch.repository.appending("objects").string
                let before = try scratch.commit([.file("a")], message: "before")
                let environment = ["GIT_OBJECT_DIRECTORY": quarantine, "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects]
                let tree = try scratch.git(
                    "mktree", input: Array("100644 blob \(try scratch.blob([120]))\tnew\n".utf8), adding: environment)
                let pushed = try CommitID(
                    scratch.git("commit-tree", tree, "-p", before.text, "-m", "pushed", adding: environment))
                for (name, value) in environment { setenv(name, value, 1) }
                setenv("GIT_DIR", ".", 1)
                chdir(scratch.repository.string)

                let repository = try GitRepository.openFromEnvironment()
                #expect(try repository.commit(pushed).subject == "pushed")
                #expect(try repository.inspect(pushed).files == 1)
                #expect(try repository.tree(of: pushed).rootNames() == ["new"])
                #expect(try repository.resolve(CommitPrefix(pushed.short)) == pushed)
                #expect(try repository.isAncestor(before, of: pushed))
                #expect(throws: GitError.self) { try repository.setReference("refs/heads/main", to: pushed) }
                #expect(throws: GitError.self) { try repository.deleteReference("refs/heads/main") }
                #expect(throws: GitError.self) { try scratch.open().commit(pushed) }
                chdir("/")
            }
        }
    }

    @Test("Ignores references that replace objects, and the user's configuration (A19)")
    func replaced() throws {
        try withScratch { scratch in
            let real = try scratch.commit([.file("real")])
            let other = try scratch.commit([.file("other")])
            try scratch.git("replace", real.text, other.text)
            #expect(try scratch.open().tree(of: real).rootNames() == ["real"])
        }
    }
}
