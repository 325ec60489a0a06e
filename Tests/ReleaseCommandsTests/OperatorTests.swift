import Foundation
import Glibc
import Testing

@Suite("An operator", .serialized, .timeLimit(.minutes(20)))
struct OperatorTests {
    private let app = [
        "server.js": """
        const http = require("node:http");
        const server = http.createServer((_, answer) => answer.end(String(process.pid)));
        server.keepAliveTimeout = 75000;
        server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("\\u001b[31mlistening"));
        process.on("SIGTERM", () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
        """, "Procfile": "web: node server.js\n",
    ]

    @Test("restarts without a gap, stops and starts, and reads the state from exit status")
    func controls() async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("status", "pmo").status == 1)
            try await host.deploy(app)
            #expect(try await host.pmo("status", "pmo").status == 0)
            let old = try await host.get("/").body
            let restarting = try host.start("pmo-release", ["restart", "pmo"])
            var answers: [Int] = []
            while !restarting.hasEnded { answers.append(try await host.get("/").status) }
            for _ in 0..<20 { answers.append(try await host.get("/").status) }
            let restarted = try await restarting.ended()
            #expect(restarted.status == 0, "\(restarted)")
            #expect(answers.count > 20 && answers.allSatisfy { $0 == 200 }, "\(answers)")
            #expect(try await host.get("/").body != old)

            #expect(try await host.pmo("stop", "pmo").status == 0)
            #expect(try await host.pmo("status").status == 1)
            #expect(try await host.get("/").status == 502)
            let doctor = try await host.pmo("doctor", "pmo")
            #expect(doctor.status == 1 && doctor.out.contains("!!  services: stopped: web.0\n"), "\(doctor)")
            #expect(doctor.out.contains("    repair: pmo-release start pmo\n"), "\(doctor)")
            #expect(try await host.pmo("status", "pmo").out.contains("  web.0  stopped  "))
            let started = try await host.pmo("start", "pmo", "web")
            #expect(started.status == 0, "\(started)")
            #expect(try await host.pmo("status", "--json").status == 0)
            #expect(try await host.pmo("doctor", "pmo").out.contains("ok  services: up\n"))
            #expect(try await host.get("/").status == 200)
            let unknown = try await host.pmo("stop", "pmo", "mail")
            #expect(
                unknown.status == 3 && unknown.err.contains("there is no service mail; there are: web"), "\(unknown)")
        }
    }

    @Test("G1, F19: finds the way back where it was, though a switch failed or was killed before the rename")
    func keepsPrevious() async throws {
        try await TestHost.with { host in
            var releases: [String] = []
            for number in 1...4 {
                let files = [
                    "index.html": "\(number)\n",
                    "pmo-release.yml": "bake: 0s\n" + TestHost.site.replacing(/keep: \d+\n/, with: "") + "keep: 9\n",
                ]
                releases.append(try await host.deploy(files))
            }
            for target in [releases[0], releases[1]] {

                let switched = try await host.pmo("switch", "pmo", target)
                try #require(switched.status == 0, "\(switched)")
            }
            func previous() throws -> String {
                try FileManager.default.destinationOfSymbolicLink(atPath: "\(host.home)/pmo/previous")
            }
            #expect(try previous() == "releases/\(releases[0])")
            for effect in ["eio", "kill"] {
                for point in ["switch.before-previous", "switch.before-rename"] {
                    let failed = try await host.run(
                        "pmo-release", ["switch", "pmo", releases[2]], environment: ["PMO_FAIL": "\(point):\(effect)"])
                    #expect(failed.status != 0 && host.live() == releases[1], "\(failed)")
                    if effect == "kill" { #expect(try await host.pmo("resume", "pmo").status == 0) }
                    #expect(try previous() == "releases/\(releases[0])", "\(point) \(effect)")
                    #expect(!host.names("\(host.home)/pmo").contains { $0.hasSuffix(".tmp") })
                }
            }
            #expect(try await host.pmo("rollback", "pmo").status == 0)
            #expect(host.live() == releases[0])
        }
    }

    @Test("is told that nginx does not run, and how to start it")
    func nginxIsDown() async throws {
        try await TestHost.with { host in
            // No watch, which would find the page gone.
            try await host.deploy(["index.html": "x\n", "pmo-release.yml": "bake: 0s\n" + TestHost.site])
            #expect(try await host.pmo("status", "pmo", "--json").out.contains(#""nginx_down" : false"#))
            let harm = "touch .pmo/services/nginx/down; sv -w 20 down .pmo/services/nginx"
            let harmed = try await host.run("sh", ["-euc", harm], directory: host.home)
            try #require(harmed.status == 0, "\(harmed)")
            let status = try await host.pmo("status", "pmo")
            #expect(status.status == 1, "\(status)")
            #expect(status.out.contains("  nginx does not run: pmo-release start pmo\n"), "\(status)")
            let json = try await host.pmo("status", "pmo", "--json")
            #expect(json.status == 1 && json.out.contains(#""nginx_down" : true"#), "\(json)")
            #expect(json.out.contains(#""well" : false"#), "\(json)")
            #expect(try await host.pmo("start", "pmo").status == 0)
            #expect(try await host.pmo("status", "pmo").status == 0)
        }
    }

    @Test(
        "is told on a full disk that what was done is done, and what runs",
        .enabled(if: geteuid() == 0, "mounting a disk takes root"))
    func fullDisk() async throws {
        try await TestHost.with(disk: "size=160m,nr_inodes=4000") { host in
            try await host.deploy(["index.html": "x\n", "pmo-release.yml": "bake: 0s\n" + TestHost.site])
            #expect(try await host.pmo("maintenance", "on", "pmo").status == 0)
            #expect(try await host.pmo("lock", "pmo", "-m", "why").status == 0)
            // Whoever still tidies up has the ledger open.
            try #require(try await eventually { !host.names("\(host.home)/pmo").contains("ledger.sqlite-shm") })
            try await host.fillDisk()
            let status = try await host.pmo("status", "pmo")
            #expect(status.status == 0 && status.out.contains(" is live\n"), "\(status)")
            #expect(status.err.contains("warning: the ledger was not read: "), "\(status)")
            for words in [["start", "pmo"], ["maintenance", "off", "pmo"], ["unlock", "pmo"]] {
                let done = try await host.run("pmo-release", words)
                #expect(done.status == 0, "\(words): \(done)")
                #expect(done.err.contains("warning: not recorded in the ledger: "), "\(words): \(done)")
            }
            #expect(try await host.get("/").body == "x\n")
        }
    }

    @Test("brings a service back that was killed: the supervisor does it")
    func isSupervised() async throws {
        try await TestHost.with { host in
            try await host.deploy(app)
            let pid = try #require(pid_t(try await host.get("/").body))
            kill(pid, SIGKILL)
            #expect(
                try await eventually {
                    let answer = try await host.get("/")
                    return answer.status == 200 && answer.body != String(pid)
                })
        }
    }

    @Test("reads logs, the log of a deploy, history, ps, apps and show")
    func reads() async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("list", "pmo").err.contains("no release yet: git push production main"))
            let commit = try await host.deploy(app, "A subject\u{1b}[31m in red")
            // Without stamps, as under systemd, the log that was written to last stands last.
            for (slot, written) in [("3.0", 1_000_000), ("1.0", 3_000_000), ("2.0", 2_000_000)] {
                let place = "\(host.home)/pmo/logs/services/former/\(slot)"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                try "a\nslot \(slot)\n".write(toFile: place + "/current", atomically: true, encoding: .utf8)
                let date = Date(timeIntervalSince1970: Double(written))
                try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: place + "/current")
            }
            #expect(try await host.pmo("logs", "pmo", "former", "-n", "1").out == "former.0: slot 1.0\n")
            let logs = try await host.pmo("logs", "pmo", "web", "-n", "1")
            #expect(logs.status == 0 && logs.out.contains("web.0: ") && logs.out.hasSuffix("listening\n"), "\(logs)")
            #expect(logs.out.split(separator: "\n").count == 1)
            let told = try await host.pmo("log", "pmo")
            #expect(told.out.hasPrefix("-----> pmo: deploying \(commit.prefix(7))") && told.out.contains("=====> Live"))
            #expect(try await host.pmo("log", "1").out == told.out)
            let absent = try await host.pmo("log", "pmo", "9")
            #expect(absent.status == 3 && absent.err.contains("there is no deploy 9"), "\(absent)")
            #expect(absent.err.contains("hint: pmo-release history pmo"), "\(absent)")
            let word = try await host.pmo("log", "pmo", "newest")
            #expect(word.status == 3 && word.err.contains("deploy “newest”: must be a number"), "\(word)")
            let history = try await host.pmo("history", "pmo")
            #expect(history.out.contains("push") && history.out.contains("\(commit.prefix(7)) live"), "\(history)")
            let processes = try await host.pmo("ps", "pmo")
            #expect(processes.out.contains("web.0") && processes.out.contains("current"), "\(processes)")
            let apps = try await host.pmo("apps")
            #expect(apps.out.contains("http://pmo.localhost:\(host.port)"), "\(apps)")
            let shown = try await host.pmo("show", "pmo", String(commit.prefix(7)))
            #expect(shown.out.contains("release    \(commit)") && shown.out.contains("phase      switch"), "\(shown)")
            for said in [logs, history, shown, try await host.pmo("list", "pmo")] {
                #expect(!said.all.contains("\u{1b}"), "A10: \(said)")
            }
            let site = try await host.pmo("site", "render", "pmo", String(commit.prefix(7)))
            #expect(site.status == 0 && site.out == host.text("\(host.home)/pmo/current/.pmo/site.conf"), "\(site)")
            #expect(try await host.pmo("site", "test").status == 0)
            let mistyped = try await host.pmo("roolback", "pmo")
            #expect(mistyped.status == 64 && mistyped.err.contains("hint: pmo-release rollback"), "\(mistyped)")
            for words in [["list"], ["apps"], ["ps"], ["history"], ["show"], ["status"], ["site", "list"]] {
                let json = try await host.run("pmo-release", words + ["--json"])
                #expect((try? JSONSerialization.jsonObject(with: Data(json.out.utf8))) != nil, "\(words): \(json)")
            }
        }
    }

    @Test("retries what failed once its cause is gone")
    func retries() async throws {
        try await TestHost.with { host in
            try host.write([
                "index.html": "retried\n",
                "pmo-release.yml":
                    "build: [{ run: '[ \"${READY:-}\" = yes ]' }]\nsites: { pmo.localhost: { root: . } }\n",
            ])
            try await host.commit("Needs READY")
            #expect(try await host.push().status == 1)
            #expect(try await host.pmo("env", "set", "READY=yes").status == 0)
            let retried = try await host.pmo("retry", "pmo")
            #expect(retried.status == 0 && retried.err.contains("=====> Live"), "\(retried)")
            #expect(try await host.get("/").body == "retried\n")
        }
    }

    @Test("is told what to say in place of a command that names no app, or no commit")
    func isToldTheWholeCommand() async throws {
        try await TestHost.with { host in
            let unknown = try await host.pmo("deploy", "pmo", "deadbeef")
            #expect(unknown.status == 3 && unknown.err.contains("no commit here begins with deadbeef"), "\(unknown)")
            #expect(unknown.err.contains("what has been deployed: pmo-release history pmo"), "\(unknown)")
            #expect(try await host.pmo("create", "other").status == 0)
            let several = try await host.pmo("switch", "deadbeef")
            #expect(several.status == 3 && several.err.contains("there are several apps: other, pmo"), "\(several)")
            #expect(several.err.contains("as in: pmo-release switch other deadbeef"), "\(several)")
            let value = try await host.pmo("env", "set", "API_KEY=secret")
            #expect(value.err.contains("as in: pmo-release env set other API_KEY=…"), "\(value)")
            #expect(!value.err.contains("secret"), "\(value)")
        }
    }

    @Test("destroys an app only by its name, and leaves the others")
    func destroys() async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("create", "other").status == 0)
            try await host.deploy(app)
            let pid = try await host.get("/").body
            for answer in ["", "yes\n", "other\n"] {
                let refused = try await host.pmo("destroy", "pmo", input: answer)
                #expect(refused.status == 3 && refused.err.contains("pmo is untouched"), "\(refused)")
                #expect(try await host.get("/").status == 200)
            }
            let removed = try await host.pmo("destroy", "pmo", input: "pmo\n")
            #expect(removed.status == 0, "\(removed)")
            #expect(host.names(host.home).filter { !$0.hasPrefix(".") } == ["other"])
            #expect(try await host.get("/").status != 200)
            #expect(try await eventually { !RunningProcess.all().contains { String($0.pid) == pid } })
        }
    }
}
