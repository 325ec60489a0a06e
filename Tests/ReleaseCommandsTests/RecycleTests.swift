import Foundation
import Glibc
import Testing

@Suite("An export into the release that was pruned last", .serialized, .timeLimit(.minutes(20)))
struct RecycleTests {
    @Test("writes what changed alone; what was tampered with is written anew, and no other release notices")
    func recycles() async throws {
        try await TestHost.with { host in
            var commits: [String] = []
            try host.write(Self.pages(60))
            try host.write(["pmo-release.yml": "keep: 2\nsites: { pmo.localhost: { root: . } }\n"])
            for number in 1...4 { commits.append(try await host.deploy(["index.html": "\(number)\n"])) }
            let spare = "\(host.home)/pmo/releases/.spare"
            // Pruning goes on after the pusher has been told; the second prune puts the newer one in the spare's place.
            #expect(try await eventually { host.releases().sorted() == commits[2...3].sorted() })
            #expect(try await eventually { host.text(spare + "/index.html") == "2\n" })
            #expect(try await !host.pmo("list").out.contains(commits[1].prefix(7)))
            // In place, as a service that is still up might.
            let file = try #require(FileHandle(forWritingAtPath: spare + "/pages/7.html"))
            try file.write(contentsOf: Data("hacked".utf8))
            try file.close()
            try FileManager.default.createDirectory(atPath: spare + "/left/behind", withIntermediateDirectories: true)
            let pushed = try await host.pushed(["index.html": "5\n"])
            #expect(pushed.status == 0, "\(pushed)")
            #expect(
                pushed.remote.contains { $0.contains("62 files") && $0.contains("; 2 written, recycled") }, "\(pushed)")
            #expect(try await host.get("/").body == "5\n")
            #expect(try await host.get("/pages/7.html").body == "7\n")
            try await host.expectWhole()
        }
    }

    @Test("finds by its content what a build wrote by a mapping, which leaves no trace on tmpfs")
    func readsInMemory() async throws {
        // What was read before it is written to has its page there already, and nobody is told of the write.
        let write = """
            import mmap
            text = open("n", "rb").read(1) * 6
            with open("file", "r+b") as file:
                view = mmap.mmap(file.fileno(), 0)
                view[0]
                view[0:6] = text
            """
        let build = """
            keep: 1
            sites: { pmo.localhost: { root: . } }
            build:
              - { run: "if [ -e do ]; then python3 write.py; fi" }
              - { run: "cp file out", inputs: [file], outputs: [out] }
            """
        try await TestHost.with(disk: "size=256m") { host in
            try host.write(["write.py": write + "\n", "file": "original\n", "n": "1\n", "do": ""])
            try await host.deploy(["pmo-release.yml": build])
            #expect(try await host.get("/out").body == "111111al\n")
            try await host.deploy(["n": "2\n"])
            #expect(try await host.get("/out").body == "222222al\n")
            try await host.git("rm", "--quiet", "do")
            var recycled = 0
            for note in 1...4 {
                let next = try await host.deployed(["note": "\(note)\n"])
                recycled += next.remote.contains { $0.contains(", recycled") } ? 1 : 0
                #expect(try await host.get("/file").body == "original\n", "\(next)")
                #expect(try await host.get("/out").body == "original\n", "\(next)")
            }
            #expect(recycled > 1)
        }
    }

    @Test("is newer than what a build has kept of another content, also a directory that has lost a file")
    func renews() async throws {
        // As make does it: a file that is newer than what comes of it is worked on again.
        let manifest = """
            keep: 1
            build:
              - run: |
                  test $HOME/a -nt src/a || cp src/a $HOME/a
                  test $HOME/list -nt src || ls src > $HOME/list
                  cp $HOME/a $HOME/list .
            sites: { pmo.localhost: { root: . } }
            """
        try await TestHost.with { host in
            try host.write(Self.pages(20))
            _ = try await host.deployed(["pmo-release.yml": manifest, "src/a": "1\n"])
            for note in 2...3 { _ = try await host.deployed(["note": "\(note)\n"]) }
            _ = try await host.deployed(["src/a": "2\n", "src/b": ""])
            #expect(try await host.get("/a").body == "2\n")
            try await host.git("rm", "--quiet", "src/b")
            let back = try await host.deployed(["src/a": "1\n"])
            #expect(back.remote.contains { $0.hasSuffix(", recycled") || $0.contains(", recycled ") }, "\(back)")
            #expect(try await host.get("/a").body == "1\n")
            #expect(try await host.get("/list").body == "a\n")
            // The times are those of the index: what was not written to is recycled again.
            for note in 4...7 {
                let next = try await host.deployed(["note": "\(note)\n"])
                #expect(next.remote.contains { $0.contains(/; [1-4] written, recycled/) }, "\(next)")
            }
        }
    }

    @Test("goes by the way that the app's settings name, and the two releases share nothing that is written")
    func goesByTheWay() async throws {
        try await TestHost.with { host in
            try host.write(Self.pages(20))
            try host.write(["pmo-release.yml": "sites: { pmo.localhost: { root: . } }\n"])
            let first = try await host.deploy(["index.html": "1\n"])
            let set = try await host.pmo("settings", "pmo", "--share", "copy")
            #expect(set.status == 0 && set.out.contains("share        copy"), "\(set)")
            let page = "\(host.home)/pmo/releases/\(first)/pages/7.html"
            let file = try #require(FileHandle(forWritingAtPath: page))
            try file.write(contentsOf: Data("X".utf8))
            try file.close()
            let copied = try await host.pushed(["index.html": "2\n"])
            #expect(
                copied.remote.contains { $0.contains("22 files") && $0.contains("; 2 written, copied") }, "\(copied)")
            #expect(try await host.get("/pages/7.html").body == "7\n", "what was tampered with is not copied")
            #expect(host.text(page) == "X\n", "and the release that it was in is left alone")
            _ = try await host.pmo("settings", "pmo", "--share", "none")
            let whole = try await host.pushed(["index.html": "3\n"])
            #expect(whole.status == 0 && !whole.remote.contains { $0.contains("written") }, "\(whole)")
            for (way, says) in [("", "must be one of auto, copy"), ("magic", "must be one of auto, copy")] {
                let refused = try await host.pmo("settings", "pmo", "--share", way)
                #expect(
                    refused.status != 0 && refused.err.contains(says) && refused.err.contains("hint: "), "\(refused)")
            }
        }
    }

    @Test("is whole again after a kill at any time, and so is every release", .timeLimit(.minutes(20)))
    func survivesKills() async throws {
        try await TestHost.with { host in
            try host.write(Self.pages(400))
            try host.write(["pmo-release.yml": "keep: 1\nsites: { pmo.localhost: { root: . } }\n"])
            for number in 1...3 { try await host.deploy(["index.html": "\(number)\n"]) }
            var random = SystemRandomNumberGenerator()
            var delays: [Int] = []
            for round in 1...8 {
                try host.write(Self.pages(400, text: "round \(round)"))
                try await host.commit("Round \(round)")
                let pushing = try host.start("git", ["push", "production", "main"])
                _ = try await eventually { !host.workers().isEmpty || pushing.said.contains("deploying") }
                let delay = Int.random(in: 0...120, using: &random)
                delays.append(delay)
                try await Task.sleep(for: .milliseconds(delay))
                for worker in host.workers() { kill(worker.pid, SIGKILL) }
                _ = try await pushing.ended()
                // What a killed deploy left half made is swept by the next.
                let again = try await host.push()
                #expect(again.status == 0, "after kills at \(delays) ms: \(again)")
                #expect(try await host.get("/pages/9.html").body == "round \(round) 9\n")
                try await host.expectWhole()
            }
        }
    }

    static func pages(_ count: Int, text: String = "") -> [String: String] {
        let lead = text.isEmpty ? "" : text + " "
        return Dictionary(uniqueKeysWithValues: (1...count).map { ("pages/\($0).html", "\(lead)\($0)\n") })
    }
}

extension TestHost {
    /// Writes, commits and pushes; the push may end as it likes.
    func pushed(_ files: [String: String]) async throws -> Ended {
        try write(files)
        try await commit("A change")
        return try await push()
    }

    func workers() -> [RunningProcess] {
        RunningProcess.all().filter { $0.mentions(home) && $0.arguments.contains("deploy-worker") }
    }

    /// Every release on the disk has its commit's tree, as git sees it; for apps without a build.
    func expectWhole(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        // A deploy prunes after its pusher has been told.
        #expect(try await eventually { workers().isEmpty })
        for release in releases() where !release.hasPrefix(".") {
            let directory = "\(home)/\(app)/releases/\(release)"
            let index = ["GIT_INDEX_FILE": "\(root)/check.index", "GIT_DIR": receiver, "GIT_WORK_TREE": directory]
            try? FileManager.default.removeItem(atPath: "\(root)/check.index")
            let added = try await run(
                "git", ["add", "--all", "--force", "--", ".", ":!.pmo"], environment: index, directory: directory)
            try #require(added.status == 0, "\(added)")
            let tree = try await run("git", ["write-tree"], environment: index, directory: directory)
            let wanted = try await git("rev-parse", "\(release.prefix(40))^{tree}", directory: receiver)
            #expect(
                tree.out.trimmingCharacters(in: .whitespacesAndNewlines) == wanted, "\(release)",
                sourceLocation: sourceLocation)
        }
    }
}
