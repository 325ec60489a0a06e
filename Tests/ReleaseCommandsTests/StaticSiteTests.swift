import Foundation
import Testing

@Suite("A repository of index.html and assets", .serialized, .timeLimit(.minutes(20)))
struct StaticSiteTests {
    private let first = ["index.html": "<h1>one</h1>\n", "assets/style.css": "h1 { color: teal }\n", ".hidden": "no\n"]

    @Test("is live after a push, without any manifest, and keeps its dot-files to itself")
    func isLive() async throws {
        try await TestHost.with { host in
            try host.write(first)
            let commit = try await host.commit("The first page")
            let pushed = try await host.push()
            #expect(pushed.status == 0, "\(pushed)")
            #expect(pushed.remote.contains { $0.hasPrefix("-----> pmo: deploying \(commit.prefix(7)) (main) by ") })
            #expect(pushed.remote.contains { $0.hasPrefix("=====> Live: http://pmo.localhost:\(host.port)") })
            let page = try await host.get("/")
            #expect(page.status == 200 && page.body == "<h1>one</h1>\n", "\(page)")
            #expect(try await host.get("/assets/style.css").headers["content-type"] == "text/css")
            for hidden in ["/.hidden", "/.pmo/", "/.git/config", "/.pmo/release.json", "/assets/../.hidden"] {
                #expect(try await host.get(hidden).status == 404, "\(hidden)")
            }
            #expect(try await host.branch() == commit)
            #expect(host.releases() == [commit])
        }
    }

    @Test("is told apart from the one before by who has that, also where both came in one second and are alike in size")
    func isToldApart() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "1\n"])
            var tags = [try #require(try await host.get("/").headers["etag"])]
            for number in 2...6 {
                try await host.deploy(["index.html": "\(number)\n"])
                let page = try await host.get("/")
                #expect(page.body == "\(number)\n")
                tags.append(try #require(page.headers["etag"]))
            }
            #expect(Set(tags).count == tags.count, "\(tags)")
            for words in [["stop", "pmo"], ["restart", "pmo"]] {
                let ended = try await host.run("pmo-release", words)
                #expect(
                    ended.status == 0 && ended.err.contains("pmo runs no service: nginx serves its files"), "\(ended)")
            }
        }
    }

    @Test(
        "serves what is shared, and follows no link that was put there",
        arguments: [("[public/uploads]", ""), ("[public/uploads]", ", spa: true"), ("[public]", "")])
    func sharedLinks(_ shared: String, _ more: String) async throws {
        try await TestHost.with { host in
            let manifest = "app: pmo\nshared: \(shared)\nsites:\n  default: { root: public\(more) }\n"
            try await host.deploy(["pmo-release.yml": manifest, "public/index.html": "page\n"])
            let place = "\(host.home)/pmo/shared/public/uploads"
            let files = FileManager.default
            try files.createDirectory(atPath: "\(place)/own", withIntermediateDirectories: true)
            for (name, text) in ["own/a.txt": "own\n", "own/index.html": "index\n", "../index.html": "page\n"] {
                try text.write(toFile: "\(place)/\(name)", atomically: true, encoding: .utf8)
            }
            try files.createSymbolicLink(atPath: "\(place)/app", withDestinationPath: "\(host.home)/pmo")
            for name in ["leak.txt", "index.html"] {
                let target = "\(host.home)/pmo/settings.json"
                try files.createSymbolicLink(atPath: "\(place)/\(name)", withDestinationPath: target)
            }
            #expect(try await host.get("/uploads/own/a.txt").body == "own\n")
            #expect(try await host.get("/uploads/own/").body == "index\n")
            #expect(try await host.get("/").body == "page\n")
            for path in ["leak.txt", "app/settings.json", "index.html", "", "app", "./leak.txt", "own/../leak.txt"] {
                let answer = try await host.get("/uploads/\(path)")
                #expect(!answer.body.contains("domain"), "\(path): \(answer)")
            }
            #expect(!(try await host.get("/uploads").body.contains("domain")))
            // The address of the folder itself.
            if more.isEmpty { #expect(try await host.get("/uploads").status == 301) }
            // Where the folder is another disk, by an administrator's link, it is served all the same.
            guard shared == "[public/uploads]" else { return }
            try files.moveItem(atPath: place, toPath: "\(host.root)/disk")
            try files.createSymbolicLink(atPath: place, withDestinationPath: "\(host.root)/disk")
            #expect(try await host.get("/uploads/own/a.txt").body == "own\n")
            #expect(!(try await host.get("/uploads/leak.txt").body.contains("domain")))
        }
    }

    @Test("goes forward by push and back by rollback and switch, with what list marks")
    func goesBothWays() async throws {
        try await TestHost.with { host in
            let one = try await host.deploy(first, "One")
            let two = try await host.deploy(["index.html": "<h1>two</h1>\n"], "Two")
            #expect(try await host.get("/").body == "<h1>two</h1>\n")
            #expect(try await host.list().map(\.subject) == ["Two", "One"])
            #expect(try await host.list().map(\.marks.first) == ["current", "previous"])

            let back = try await host.pmo("rollback", "pmo")
            #expect(back.status == 0 && back.out.contains("\(two.prefix(7)) -> \(one.prefix(7)) live"), "\(back)")
            #expect(try await host.get("/").body == "<h1>one</h1>\n")
            #expect(try await host.list().map(\.marks.first) == ["previous", "current"])

            let forth = try await host.pmo("switch", "pmo", String(two.prefix(6)).uppercased())
            #expect(forth.status == 0, "\(forth)")
            #expect(try await host.get("/").body == "<h1>two</h1>\n")
            // The one app of the host need not be named.
            #expect(try await host.pmo("switch", String(one.prefix(9)), "--json").status == 0)
            #expect(try await host.get("/").body == "<h1>one</h1>\n")
            let again = try await host.pmo("switch", one)
            #expect(again.status == 0 && again.out.contains("is live already"))
            let verbs = try await host.ledger("SELECT verb FROM events ORDER BY id")
            #expect(verbs == ["push", "push", "rollback", "switch", "switch"])
        }
    }

    @Test("is not switched to a prefix that is unknown, ambiguous or no commit")
    func refusesPrefixes() async throws {
        try await TestHost.with { host in
            let one = try await host.deploy(first, "One")
            let twin = try await host.makeTwin(of: one)
            try await host.git("reset", "--quiet", "--hard", twin)
            let pushed = try await host.push()
            #expect(pushed.status == 0, "\(pushed)")
            try #require(one.prefix(4) == twin.prefix(4) && one != twin)

            let ambiguous = try await host.pmo("switch", "pmo", String(one.prefix(4)))
            #expect(ambiguous.status == 3, "\(ambiguous)")
            #expect(ambiguous.err.contains("pmo-release: error:") && ambiguous.err.contains("hint:"))
            #expect(ambiguous.err.contains(one.prefix(7)) && ambiguous.err.contains(twin.prefix(7)), "\(ambiguous)")

            let unknown = try await host.pmo("switch", "pmo", one.hasPrefix("0000") ? "1111111" : "0000000")
            #expect(unknown.status == 3 && unknown.err.contains("hint: pmo-release list"), "\(unknown)")
            for wrong in ["zzzz", "abc", "../../etc", "--"] {
                let refused = try await host.pmo("switch", "pmo", wrong)
                #expect(refused.status != 0 && refused.err.contains("pmo-release: error:"), "\(refused)")
            }
            #expect(host.live() == twin)
        }
    }

    @Test("keeps as many releases as asked; a pruned one is named with the command that brings it back")
    func prunes() async throws {
        try await TestHost.with { host in
            let one = try await host.deploy(first, "One")
            for number in 2...4 { try await host.deploy(["index.html": "\(number)"], "Number \(number)") }
            #expect(try await host.pmo("prune", "--keep", "2", "--dry-run").out.contains("would remove"))
            #expect(host.releases().count == 4)
            let pruned = try await host.pmo("prune", "--keep", "2")
            #expect(pruned.status == 0 && pruned.out.contains("removed \(one.prefix(7))"), "\(pruned)")
            #expect(host.releases().count == 2)
            let told = try await host.pmo("history", "pmo").out
            #expect(told.contains("prune") && told.contains("\(one.prefix(7)), "), "\(told)")

            let gone = try await host.pmo("switch", String(one.prefix(7)))
            #expect(gone.status == 3, "\(gone)")
            #expect(gone.err.contains("the release of \(one.prefix(7)) was pruned"), "\(gone)")
            #expect(gone.err.contains("hint: pmo-release deploy pmo \(one.prefix(7))"), "\(gone)")
            let deployed = try await host.pmo("deploy", "pmo", String(one.prefix(7)))
            #expect(deployed.status == 0, "\(deployed)")
            #expect(try await host.get("/").body == "<h1>one</h1>\n")
        }
    }
}

extension TestHost {
    /// A second commit whose id begins with the same four digits, found by counting.
    func makeTwin(of commit: String) async throws -> String {
        let script = """
            import hashlib, subprocess, sys
            git = lambda *words, **more: subprocess.run(["git", *words], check=True, stdout=subprocess.PIPE, **more).stdout
            tree = git("rev-parse", "HEAD^{tree}").decode().strip()
            for number in range(10_000_000):
                body = f"tree {tree}\\nparent {sys.argv[1]}\\nauthor A <a@b> 1 +0000\\ncommitter A <a@b> 1 +0000\\n\\nTwin {number}\\n".encode()
                if hashlib.sha1(b"commit %d\\0" % len(body) + body).hexdigest().startswith(sys.argv[1][:4]):
                    print(git("hash-object", "-t", "commit", "-w", "--stdin", input=body).decode().strip())
                    break
            """
        let ended = try await run("python3", ["-c", script, commit])
        try #require(ended.status == 0, "\(ended)")
        return ended.out.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
