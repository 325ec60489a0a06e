import Foundation
import Testing

@Suite("What a build step reads, as it stands just before it,", .serialized, .timeLimit(.minutes(20)))
struct StepInputTests {
    @Test("runs when a step that says nothing of what it does has written to what it reads, and only then")
    func seesOtherSteps() async throws {
        let manifest = """
            build:
              - { run: 'sed -i "s/VERSION/$(cat version)/" src/app.js; date +%N > stamp' }
              - { run: 'echo ran pack; mkdir public; cp link/app.js public/', inputs: [link], outputs: [public] }
            sites: { pmo.localhost: { root: public } }
            """
        try await TestHost.with { host in
            try FileManager.default.createSymbolicLink(atPath: "\(host.work)/link", withDestinationPath: "src")
            let files = ["pmo-release.yml": manifest, "src/app.js": "v VERSION\n", "version": "1\n"]
            #expect(try await host.deployed(files).stepsRun == ["pack"])
            #expect(try await host.deployed(["README": "2\n"]).stepsRun == [])
            #expect(try await host.deployed(["version": "2\n"]).stepsRun == ["pack"])
            #expect(try await host.get("/app.js").body == "v 2\n")
            #expect(try await host.deployed(["version": "1\n"]).stepsRun == [])
            #expect(try await host.get("/app.js").body == "v 1\n")
        }
    }

    @Test(
        "reads through links what they lead to: what a step made, a rendered value, another target, nothing",
        arguments: [
            // What an earlier step made, behind a link of the tree.
            (
                build: "- { run: cp x build/x, inputs: [x], outputs: [build/x] }", links: ["cur": "build"],
                inputs: "cur", changes: ["x": "2\n"], body: "k\n2\n"
            ),
            (
                build: "- { run: cp x build/x, inputs: [x], outputs: [build/x] }", links: ["cur": "build"],
                inputs: "cur/k, cur/x", changes: ["x": "2\n"], body: "k\n2\n"
            ),
            // A step that says nothing makes the link, and what it leads to changes.
            (
                build: "- { run: 'rm -f cur/x; ln -s ../x cur/x' }", links: ["cur": "build"], inputs: "cur",
                changes: ["x": "2\n"], body: "k\n2\n"
            ),
            (
                build: "- { run: 'if test -e gone; then rm build/x; fi' }", links: ["cur": "build"], inputs: "cur",
                changes: ["gone": ""], body: "k\n"
            ),
        ])
    func readsThroughLinks(
        _ build: String, _ links: [String: String], _ inputs: String, _ changes: [String: String], _ body: String
    ) async throws {
        let manifest = """
            build:
              \(build)
              - { run: 'mkdir dist; cat cur/* > dist/index.html', inputs: [\(inputs)], outputs: [dist] }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            try host.write(["pmo-release.yml": manifest, "x": "1\n", "build/k": "k\n", "build/x": "0\n"])
            for (link, target) in links {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(host.work)/\(link)", withDestinationPath: target)
            }
            _ = try await host.deployed([:])
            try await host.expectSame(changes, "/", body)
        }
    }

    @Test("sees each link on the way, also where the last one leads out of the release")
    func seesEachLink() async throws {
        let manifest = """
            build:
              - { run: 'ln -sfn /usr/lib/$(cat sel) mid' }
              - { run: 'mkdir dist; readlink -f in > dist/index.html', inputs: [in], outputs: [dist] }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            try FileManager.default.createSymbolicLink(atPath: "\(host.work)/in", withDestinationPath: "mid")
            try FileManager.default.createSymbolicLink(atPath: "\(host.work)/mid", withDestinationPath: "sel")
            _ = try await host.deployed(["pmo-release.yml": manifest, "sel": "one\n"])
            try await host.expectSame(["sel": "two\n"], "/", "/usr/lib/two\n")
        }
    }

    @Test("sees what was written to a file that got another name, though its size and time are the same")
    func seesMoreNames() async throws {
        let write = "cp -p a/x /tmp/old; echo 9 > a/x; touch -r /tmp/old a/x"
        let manifest = """
            build:
              - { run: 'ln a/x a/more; if grep -q 2 sel; then \(write); fi' }
              - { run: 'mkdir dist; cp a/x dist/index.html', inputs: [a/x], outputs: [dist] }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            let first = try await host.deployed(["pmo-release.yml": manifest, "a/x": "1\n", "sel": "1\n"])
            #expect(first.remote.contains { $0.contains("2 built") }, "\(first)")
            let again = try await host.deployed(["README": "2\n"])
            #expect(again.remote.contains { $0.contains("1 reused") }, "\(again)")
            try await host.expectSame(["sel": "2\n"], "/", "9\n")
        }
    }

    @Test("reads a rendered file behind a link, and what a link in a circle leads to")
    func readsRendered() async throws {
        let manifest = """
            build: [{ run: 'mkdir dist; cat cfg/.env cfg/k > dist/index.html', inputs: [cfg], outputs: [dist] }]
            env: { files: { real/.env: real/env.tpl } }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            #expect(try await host.pmo("env", "set", "pmo", "VAL=one").status == 0)
            let files = ["pmo-release.yml": manifest, "real/env.tpl": "V={{VAL}}\n", "real/k": "k\n"]
            try host.write(files)
            for (link, target) in ["cfg": "real", "real/round": "../cfg", "real/up": ".."] {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(host.work)/\(link)", withDestinationPath: target)
            }
            _ = try await host.deployed([:])
            #expect(try await host.pmo("env", "set", "pmo", "VAL=two").status == 0)
            try await host.expectSame(["README": "2\n"], "/", "V=two\nk\n")
        }
    }

    @Test("runs when an earlier one has run again and made something else", arguments: ["1K", "1M"])
    func followsWhatIsMade(_ budget: String) async throws {
        let manifest = """
            cache: \(budget)
            build:
              - { run: mkdir lib; head -c 2000 /dev/urandom > lib/v, inputs: [page], outputs: [lib] }
              - { run: mkdir dist; cp lib/v dist/index.html, inputs: [lib], outputs: [dist] }
              - { run: test ! -e fail }
            services:
              api: { directory: api, command: 'cp ../lib/v ../seen; exec sleep 86397', inputs: [api, lib], restart: when-changed }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            func expectOne(_ why: String) async throws {
                let live = "\(host.home)/pmo/releases/\(try #require(host.live()))"
                let sums = try await host.run(
                    "sh", ["-c", "cat \(live)/lib/v | sha1sum; cat \(live)/dist/* | sha1sum"])
                #expect(Set(sums.out.split(separator: "\n")).count == 1, "\(why): \(sums)")
            }
            _ = try await host.deployed(["pmo-release.yml": manifest, "page": "1\n", "api/k": ""])
            try await expectOne("first")
            let pids = try await host.pids("api")
            _ = try await host.deployed(["README": "2\n"])
            try await expectOne("again")
            if budget == "1M" { #expect(try await host.pids("api") == pids) }
            try host.write(["fail": ""])
            try await host.commit("Fail")
            let failing = ["push", "-o", "no-cache", "production", "main"]
            #expect(try await host.run("git", failing, within: .seconds(120)).status == 1)
            try await host.git("rm", "--quiet", "fail")
            _ = try await host.deployed(["README": "3\n"])
            try await expectOne("after a failed -o no-cache")
            #expect(try await Set(host.pids("api")).isDisjoint(with: pids))
        }
    }

    @Test("runs when one that was not kept has overwritten what it reads, also behind one that was reused")
    func followsWhatIsNotKept() async throws {
        let manifest = """
            cache: 30K
            build:
              - { run: 'cat src > cfg; mkdir -p big; head -c 90000 /dev/zero > big/z', inputs: [src], outputs: [cfg, big] }
              - { run: cat other > b, inputs: [other], outputs: [b] }
              - { run: 'mkdir dist; cat cfg > dist/index.html', inputs: [cfg], outputs: [dist] }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            _ = try await host.deployed(["pmo-release.yml": manifest, "src": "1\n", "cfg": "base\n", "other": "o\n"])
            for (src, reused) in [("1", "2 reused"), ("2", "1 reused"), ("3", "1 reused")] {
                let pushed = try await host.deployed(["src": "\(src)\n", "README": UUID().uuidString])
                #expect(try await host.get("/").body == "\(src)\n")
                #expect(pushed.remote.contains { $0.contains(reused) }, "\(pushed)")
            }
        }
    }

    @Test("is kept also where it gives what it reads a second name")
    func linksItsInputs() async throws {
        let manifest = """
            build: [{ run: cp -al page dist, inputs: [page], outputs: [dist] }]
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            _ = try await host.deployed(["pmo-release.yml": manifest, "page/index.html": "1\n"])
            let second = try await host.deployed(["README": "2\n"])
            #expect(second.remote.contains { $0.contains("1 reused") }, "\(second)")
            #expect(try await host.get("/").body == "1\n")
        }
    }

    @Test("uses what a step without inputs has made for the release's own path")
    func usesAnEnvironment() async throws {
        let manifest = """
            build:
              - run: |
                  mkdir -p .venv/bin; printf '#!%s/.venv/bin/run\\nmade\\n' "$PWD" > .venv/bin/tool
                  printf '#!/bin/sh\\ntail -n 1 "$1"\\n' > .venv/bin/run; chmod 755 .venv/bin/*
              - { run: 'mkdir dist; tool > dist/index.html', inputs: [page], outputs: [dist] }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            _ = try await host.deployed(["pmo-release.yml": manifest, "page": "1\n"])
            #expect(try await host.get("/").body == "made\n")
        }
    }
}
