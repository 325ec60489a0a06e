import Foundation
import Glibc
import HostControl
import Testing

@Suite("Releases that share their files by hard links", .serialized, .timeLimit(.minutes(10)))
struct HardLinkTests {
    private static let set = ["settings", "pmo", "--share", "hardlink"]

    @Test("share what did not change; what somebody wrote to is restored in each of them by the next push")
    func shares() async throws {
        try await TestHost.with { host in
            try await host.setHardLinks()
            try host.write(RecycleTests.pages(60))
            try host.write(["pmo-release.yml": "keep: 3\nsites: { pmo.localhost: { root: . } }\n"])
            var commits = [try await host.deploy(["index.html": "1\n"])]
            for number in 2...3 {
                let pushed = try await host.pushed(["index.html": "\(number)\n"])
                #expect(pushed.remote.contains { $0.contains("62 files") && $0.contains("; 1 written, hard-linked") })
                commits.append(try await host.git("rev-parse", "HEAD"))
            }
            let inodes = commits.map { host.inode($0, "pages/7.html") }
            #expect(Set(inodes).count == 1 && inodes[0] != 0)
            // As no service can: from outside, in place.
            let file = try #require(FileHandle(forWritingAtPath: host.place(commits[1], "pages/7.html")))
            try file.write(contentsOf: Data("X".utf8))
            try file.close()
            #expect(try await host.get("/pages/7.html").body == "X\n", "it is in all of them")
            let restoring = try await host.pushed(["index.html": "4\n"])
            #expect(
                restoring.remote.contains { $0.contains("somebody wrote to pages/7.html: restored") }, "\(restoring)")
            #expect(try await host.get("/pages/7.html").body == "7\n")
            #expect(try await host.get("/").body == "4\n")
            try await host.expectWhole()
            // Past `keep` a release goes, and the next finds all stamps as they were noted then.
            for number in 5...6 {
                let pushed = try await host.pushed(["index.html": "\(number)\n"])
                #expect(pushed.remote.contains { $0.contains("; 1 written, hard-linked") }, "\(pushed)")
            }
            #expect(try await eventually { host.releases().count == 3 }, "\(host.releases())")
            try await host.expectWhole()
            // Another way shares nothing with what was linked.
            #expect(try await host.pmo("settings", "pmo", "--share", "copy").status == 0)
            let last = try await host.deploy(["index.html": "7\n"])
            var status = stat()
            #expect(lstat(host.place(last, "pages/7.html"), &status) == 0 && status.st_nlink == 1)
        }
    }

    @Test("no service can write to a release, and nor can a migration; beside it they can")
    func sealed() async throws {
        try await TestHost.with { host in
            try await host.setHardLinks()
            let first = try await host.deploy([
                "pmo-release.yml": """
                services:
                  api:
                    command: sh ./try.sh; exec python3 -m http.server --bind 127.0.0.1 "$PORT"
                    health: { path: /page, within: 60s }
                  job: { command: sh ./try.sh job; exec sleep 86399 }
                sites: { pmo.localhost: { root: public, routes: { /page: api } } }
                database: { migrate: 'sh ./try.sh migrate' }
                shared: [uploads]
                """,
                "try.sh": """
                name=${1-api}
                (echo X >> page) 2>> "uploads/$name"; (echo X > "$PMO_RELEASE/new") 2>> "uploads/$name"
                chmod 600 page 2>> "uploads/$name"; rm -f page 2>> "uploads/$name"
                echo "end of $name" >> "uploads/$name"
                """,
                "page": "page 1\n", "public/index.html": "1\n", "uploads/keep": "\n",
            ])
            for name in ["api", "job", "migrate"] {
                let path = "\(host.home)/pmo/shared/uploads/\(name)"
                #expect(try await eventually { host.text(path)?.contains("end of \(name)") == true })
                let said = host.text(path) ?? ""
                #expect(said.ranges(of: "ead-only file system").count == 4, "\(name): \(said)")
            }
            #expect(try await host.get("/page").body == "page 1\n")
            // Nothing of it is shared with a directory that services write to.
            let second = try await host.deploy(["public/index.html": "2\n"])
            #expect(host.inode(first, "page") == host.inode(second, "page"))
            var status = stat()
            #expect(lstat("\(host.home)/pmo/shared/uploads/keep", &status) == 0 && status.st_nlink == 1)
            #expect(try await host.pmo("rollback", "pmo").status == 0)
            #expect(try await host.get("/page").body == "page 1\n")
            #expect(try await host.pmo("restart", "pmo").status == 0)
            #expect(try await host.get("/page").body == "page 1\n")
        }
    }

    @Test("a build has its own copies; what it left alone is linked when it is over")
    func builds() async throws {
        try await TestHost.with { host in
            try await host.setHardLinks()
            try host.write(RecycleTests.pages(20))
            let first = try await host.deploy([
                "pmo-release.yml": """
                build:
                  - run: test "$(stat -c %h pages/7.html)" = 1; echo built >> pages/9.html; echo made > made
                sites: { pmo.localhost: { root: . } }
                """,
                "index.html": "1\n",
            ])
            let pushed = try await host.pushed(["index.html": "2\n"])
            let second = try await host.git("rev-parse", "HEAD")
            #expect(pushed.status == 0, "\(pushed)")
            #expect(
                pushed.remote.contains { $0.contains("20 files linked to those of \(first.prefix(7))") }, "\(pushed)")
            #expect(host.inode(first, "pages/7.html") == host.inode(second, "pages/7.html"))
            for name in ["pages/9.html", "made", "index.html"] {
                #expect(host.inode(first, name) != host.inode(second, name), "\(name)")
            }
            #expect(host.text(host.place(second, "pages/9.html")) == "9\nbuilt\n")
            #expect(host.text(host.place(first, "pages/9.html")) == "9\nbuilt\n")
        }
    }

    @Test("a service that goes on is started anew once its release must be sealed")
    func carries() async throws {
        try await TestHost.with { host in
            try await host.deploy([
                "pmo-release.yml": """
                services:
                  api:
                    directory: api
                    command: exec python3 -m http.server --bind 127.0.0.1 "$PORT"
                    restart: when-changed
                    health: { path: /answer, within: 60s }
                sites: { pmo.localhost: { root: web, routes: { /answer: api } } }
                """,
                "api/answer": "api 1\n", "web/index.html": "1\n",
            ])
            let open = try await host.pids("api")
            try await host.setHardLinks()
            try await host.deploy(["web/index.html": "2\n"])
            let sealed = try await host.pids("api")
            #expect(sealed.count == 1 && sealed != open)
            try await host.deploy(["web/index.html": "3\n"])
            #expect(try await host.pids("api") == sealed)
            let mounts = host.text("/proc/\(sealed[0])/mountinfo") ?? ""
            #expect(
                mounts.split(separator: "\n").contains { $0.contains(" \(host.home)/pmo/releases ro") }, "\(mounts)")
        }
    }

    @Test("G1: are whole again after a kill at any time", .timeLimit(.minutes(5)))
    func survivesKills() async throws {
        try await TestHost.with { host in
            try await host.setHardLinks()
            try host.write(RecycleTests.pages(400))
            try host.write(["pmo-release.yml": "keep: 2\nsites: { pmo.localhost: { root: . } }\n"])
            for number in 1...3 { try await host.deploy(["index.html": "\(number)\n"]) }
            var delays: [Int] = []
            for round in 1...8 {
                if let live = host.live(),
                    let file = FileHandle(forWritingAtPath: host.place(live, "pages/\(round).html"))
                {
                    try file.write(contentsOf: Data("X".utf8))
                    try file.close()
                }
                try host.write(["index.html": "round \(round)\n"])
                try await host.commit("Round \(round)")
                let pushing = try host.start("git", ["push", "production", "main"])
                _ = try await eventually { !host.workers().isEmpty || pushing.said.contains("deploying") }
                delays.append(Int.random(in: 0...120))
                try await Task.sleep(for: .milliseconds(delays[delays.count - 1]))
                for worker in host.workers() { kill(worker.pid, SIGKILL) }
                _ = try await pushing.ended()
                let again = try await host.push()
                #expect(again.status == 0, "after kills at \(delays) ms: \(again)")
                #expect(try await host.get("/").body == "round \(round)\n")
                // Where the killed one was live already, the second push had nothing to do.
                try await host.deploy(["after.html": "round \(round)\n"])
                try await host.expectWhole()
            }
        }
    }

    @Test("are refused, with the reason, on a host that cannot make them read-only")
    func refused() async throws {
        try await TestHost.with { host in
            // As root without the right to mount, and as somebody who may make no user namespace.
            let refused = try await host.run(
                "setpriv", ["--bounding-set=-all", "--inh-caps=-all", "--", Programs.release] + Self.set)
            let reason = "this host cannot make releases read-only to services"
            if geteuid() == 0 {
                #expect(refused.status == 3 && refused.err.contains(reason), "\(refused)")
                #expect(refused.err.contains("hint: --share auto"), "\(refused)")
                #expect(try await host.pmo("settings", "pmo").out.contains("share        auto"))
            }
        }
    }
}

extension TestHost {
    /// Skips nothing: where the host cannot seal, the test fails and says why.
    func setHardLinks() async throws {
        let set = try await pmo("settings", app, "--share", "hardlink")
        try #require(set.status == 0 && set.out.contains("share        hardlink"), "\(set)")
    }

    func place(_ release: String, _ name: String) -> String { "\(home)/\(app)/releases/\(release)/\(name)" }

    func inode(_ release: String, _ name: String) -> ino_t {
        var status = stat()
        return lstat(place(release, name), &status) == 0 ? status.st_ino : 0
    }
}
