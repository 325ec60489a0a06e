import Foundation
import Glibc
import Testing

@Suite("A service that is restarted only when it changed", .serialized, .timeLimit(.minutes(20)))
struct CarryTests {
    /// An API in two instances and a worker that go on, and one more worker that does not.
    private static let platform = [
        "pmo-release.yml": """
        build: [{ run: 'mkdir dist; cp web/page dist/index.html', inputs: [web], outputs: [dist] }]
        services:
          api:
            directory: api
            command: exec python3 -m http.server --bind 127.0.0.1 "$PORT"
            restart: when-changed
            instances: 2
            health: { path: /answer, within: 60s }
          job: { directory: job, command: exec sleep 86399, restart: when-changed }
          other: { directory: job, command: exec sleep 86398 }
        sites: { pmo.localhost: { root: dist, routes: { /answer: api } } }
        keep: 1
        """,
        "api/answer": "api 1\n", "job/note": "\n", "web/page": "page 1\n",
    ]

    private func check(_ host: TestHost, page: String, api: String, pids: [Int]? = nil) async throws {
        #expect(try await host.get("/").body == page + "\n")
        #expect(try await host.get("/answer").body == api + "\n")
        if let pids { #expect(try await host.pids("api") == pids) }
        #expect(try await host.pmo("status", "pmo").status == 0)
    }

    @Test("keeps its processes over web-only pushes, rollbacks and prune; a change of its own starts it anew")
    func isCarriedOver() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(Self.platform)
            let pids = try await host.pids("api")
            let job = try await host.pids("job")
            let other = try await host.pids("other")
            #expect(pids.count == 2 && job.count == 1 && other.count == 1)

            for number in 2...4 {
                try await host.deploy(["web/page": "page \(number)\n"])
                try await check(host, page: "page \(number)", api: "api 1", pids: pids)
                #expect(try await host.pids("job") == job)
                #expect(try await host.pids("other") != other)
            }
            #expect(
                try await host.ledger("SELECT detail FROM phases WHERE phase = 'start' AND deploy = 4")
                    == ["api goes on in slot 1, job goes on in slot 1, other started in slot 1"])
            // keep: 1, and the first is in no link: it stays as long as its processes run.
            #expect(host.releases().contains(first), "\(host.releases())")
            #expect(try await host.pmo("prune", "pmo").status == 0)
            #expect(host.releases().contains(first), "\(host.releases())")

            let back = try await host.pmo("rollback", "pmo")
            #expect(back.status == 0, "\(back)")
            try await check(host, page: "page 3", api: "api 1", pids: pids)
            #expect(try await host.pids("job") == job)
            #expect(try await host.pids("other").count == 1)
            // To the release that has started them, whose third service has lost its slot to newer ones.
            let far = try await host.pmo("switch", "pmo", first)
            #expect(far.status == 0, "\(far)")
            try await check(host, page: "page 1", api: "api 1", pids: pids)
            #expect(try await host.pids("job") == job)
            #expect(try await host.pids("other").count == 1)

            try await host.deploy(["api/answer": "api 2\n", "web/page": "page 5\n"])
            try await check(host, page: "page 5", api: "api 2")
            #expect(try await Set(host.pids("api")).isDisjoint(with: pids))
            #expect(try await host.pids("job") == job)
            // The old API is warm: the way back starts nothing of it.
            #expect(try await host.pmo("rollback", "pmo").status == 0)
            try await check(host, page: "page 1", api: "api 1", pids: pids)
        }
    }

    @Test("starts anew when a value or its own settings changed, with -o no-cache, and when it does not run")
    func isStartedAnew() async throws {
        try await TestHost.with { host in
            try await host.deploy(Self.platform)
            var pids = try await host.pids("api")
            func differs(_ why: String) async throws {
                let now = try await host.pids("api")
                #expect(now.count == 2 && Set(now).isDisjoint(with: pids), "\(why): \(now) after \(pids)")
                pids = now
            }
            #expect(try await host.pmo("env", "set", "pmo", "COLOUR=red").status == 0)
            try await host.deploy(["web/page": "page 2\n"])
            try await differs("a value")
            try host.replace("within: 60s", by: "within: 50s", in: "pmo-release.yml")
            try await host.deploy(["web/page": "page 3\n"])
            try await differs("a setting")
            try await host.commit("Again")
            let push = ["push", "-o", "no-cache", "production", "main"]
            #expect(try await host.run("git", push, within: .seconds(120)).status == 0)
            try await differs("-o no-cache")
            #expect(try await host.pmo("stop", "pmo", "api").status == 0)
            try await host.deploy(["web/page": "page 4\n"])
            try await differs("stopped")
            try await check(host, page: "page 4", api: "api 1", pids: pids)
        }
    }

    @Test("starts anew when a step that says nothing of what it makes has made something else for it")
    func seesTheBuild() async throws {
        try await TestHost.with { host in
            let step = "build: [{ run: 'mkdir api/made; cp lib/note api/made/' }, "
            let files = [
                "pmo-release.yml": Self.platform["pmo-release.yml"]!.replacing("build: [", with: step),
                "lib/note": "1\n",
            ]
            try await host.deploy(Self.platform.merging(files) { $1 })
            let (api, job) = (try await host.pids("api"), try await host.pids("job"))
            try await host.deploy(["web/page": "page 2\n"])
            try await check(host, page: "page 2", api: "api 1", pids: api)
            try await host.deploy(["lib/note": "2\n"])
            let again = try await host.pids("api")
            #expect(Set(again).isDisjoint(with: api))
            #expect(try await host.pids("job") == job)
            // Something beside the outputs of a step is in no release, and so nothing to start it anew for; nor is what
            // Python keeps of its modules.
            try host.replace("cp web/page", by: "cp web/page api/beside; cp web/page", in: "pmo-release.yml")
            try host.replace(
                "cp lib/note", by: "mkdir api/__pycache__; date +%N > api/__pycache__/x.pyc; cp lib/note",
                in: "pmo-release.yml")
            try await host.deploy(["web/page": "page 3\n"])
            let last = try await host.pids("api")
            #expect(Set(last).isDisjoint(with: again), "another command line of a step that says nothing")
            try await host.deploy(["web/page": "page 4\n"])
            try await host.deploy(["README": "5\n"])
            try await check(host, page: "page 4", api: "api 1", pids: last)
        }
    }

    @Test(
        "starts anew when a step has pointed a link of the tree elsewhere, and not when one only makes the same again")
    func seesLinks() async throws {
        let manifest = """
            build:
              - { run: 'ln -sfn $(cat sel) api/cur' }
              - { run: 'mkdir made; ln -s ../web made/web; cp lock made/', inputs: [lock], outputs: [made] }
            services:
              api: { directory: api, command: exec sleep 86397, inputs: [api/main, made/lock], restart: when-changed }
            sites: { pmo.localhost: { root: web } }
            """
        try await TestHost.with { host in
            try host.write([
                "api/main": "", "api/v1/f": "", "api/v2/f": "", "sel": "v1\n", "lock": "1\n", "web/page": "1\n",
            ])
            try FileManager.default.createSymbolicLink(
                atPath: "\(host.work)/api/cur", withDestinationPath: "v1")
            try await host.deploy(["pmo-release.yml": manifest])
            let first = try await host.pids("api")
            try await host.deploy(["web/page": "2\n"])
            #expect(try await host.pids("api") == first)
            #expect(try await host.pmo("cache", "clear", "pmo").status == 0)
            try await host.deploy(["web/page": "3\n"])
            #expect(try await host.pids("api") == first, "made again, and the same")
            try await host.deploy(["sel": "v2\n"])
            #expect(try await Set(host.pids("api")).isDisjoint(with: first))
        }
    }

    @Test(
        "starts anew when what it reaches by links is another: one on the way, or something that is gone behind one",
        arguments: [
            (build: "run: 'ln -sfn $(cat sel) mid'", links: ["api/cur": "../mid", "mid": "v1"]),
            (build: "run: 'if grep -q v2 sel; then rm lib/plugin; fi'", links: ["api/lib": "../lib"]),
            (build: "run: 'if grep -q v2 sel; then rm -r lib; fi'", links: ["api/lib": "../mid", "mid": "lib"]),
            (build: "run: 'if grep -q v2 sel; then rm mid; fi'", links: ["api/lib": "../mid/plugin", "mid": "lib"]),
            (
                build: """
                run: 'echo 9 > lib/f; if grep -q v2 sel; then rm lib/plugin; else echo 8 > lib/plugin; fi',
                inputs: [sel], outputs: ['lib/*']
                """, links: ["api/lib": "../lib/plugin"]
            ),
        ])
    func seesBehindLinks(_ build: String, _ links: [String: String]) async throws {
        let manifest = """
            build: [{ \(build.replacing("\n", with: " ")) }]
            services:
              api: { directory: api, command: exec sleep 86396, inputs: [api/main], restart: when-changed }
            sites: { pmo.localhost: { root: web } }
            """
        try await TestHost.with { host in
            try host.write([
                "api/main": "", "v1/f": "", "v2/f": "", "lib/f": "", "lib/plugin": "", "sel": "v1\n", "web/page": "1\n",
            ])
            for (link, target) in links {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(host.work)/\(link)", withDestinationPath: target)
            }
            try await host.deploy(["pmo-release.yml": manifest])
            let first = try await host.pids("api")
            try await host.deploy(["web/page": "2\n"])
            #expect(try await host.pids("api") == first)
            try await host.deploy(["sel": "v2\n"])
            #expect(try await Set(host.pids("api")).isDisjoint(with: first))
        }
    }

    @Test("a deploy that fails after it was carried over leaves all as it was")
    func failsWell() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(Self.platform)
            let before = try await host.processes()
            try host.replace("exec sleep 86398", by: "exit 3", in: "pmo-release.yml")
            try await host.commit("Break the other worker")
            let pushed = try await host.push()
            #expect(pushed.status == 1 && pushed.err.contains("still serves"), "\(pushed)")
            #expect(host.live() == first && host.releases() == [first])
            #expect(try await host.processes() == before)
            try await check(host, page: "page 1", api: "api 1")
        }
    }

    @Test("F08: a worker killed between carry and switch leaves all as it was, and the next push carries over")
    func isKilled() async throws {
        try await TestHost.with { host in
            let first = try await host.deploy(Self.platform)
            let before = try await host.processes()
            // The third service never settles in its time, so that there is time to kill.
            try host.replace("exec sleep 86398", by: "sleep 1.5", in: "pmo-release.yml")
            try await host.commit("Never settle")
            let pushing = try host.start("git", ["push", "production", "main"])
            #expect(try await eventually { try await host.ledger("SELECT phase FROM deploys").last == "check" })
            for process in RunningProcess.all()
            where process.mentions(host.root + "/") && process.arguments.contains("deploy-worker") {
                kill(process.pid, SIGKILL)
            }
            #expect(try await pushing.ended().status == 1)
            #expect(host.live() == first)
            try await check(host, page: "page 1", api: "api 1")

            try host.replace("sleep 1.5", by: "exec sleep 86398", in: "pmo-release.yml")
            let second = try await host.deploy(["web/page": "page 2\n"])
            #expect(host.releases() == [first, second].sorted())
            let now = try await host.processes()
            for service in ["api", "job"] {
                #expect(now.filter { $0.service == service } == before.filter { $0.service == service })
            }
            try await check(host, page: "page 2", api: "api 1")
        }
    }

    @Test("restart replaces what was carried over too, and retiring never stops what is live")
    func isRestarted() async throws {
        try await TestHost.with(warm: "3s") { host in
            let first = try await host.deploy(Self.platform)
            let pids = try await host.pids("api")
            let second = try await host.deploy(["web/page": "page 2\n"])
            // The other worker of the first is retired; what both use is not.
            #expect(
                try await eventually {
                    try await !host.processes().contains { $0.short == first.prefix(7) && $0.service == "other" }
                })
            try await check(host, page: "page 2", api: "api 1", pids: pids)
            #expect(try await host.pmo("restart", "pmo").status == 0)
            let new = try await host.pids("api")
            #expect(new.count == 2 && Set(new).isDisjoint(with: pids))
            // Now the first is of no use any more.
            #expect(try await eventually { try await !host.processes().contains { $0.short == first.prefix(7) } })
            #expect(try await host.processes().allSatisfy { $0.short == second.prefix(7) })
            try await check(host, page: "page 2", api: "api 1", pids: new)
            kill(pid_t(new[0]), SIGKILL)
            #expect(try await eventually { try await host.pids("api").count == 2 })
            try await check(host, page: "page 2", api: "api 1")
        }
    }
}
