import Foundation
import Testing

/// A row of `cache list --json`.
private struct KeptStep: Decodable {
    let key: String
    let command: String
    let bytes: Int
    let used: Double
}

@Suite("A build step with inputs and outputs", .serialized, .timeLimit(.minutes(20)))
struct StepReuseTests {
    /// Two steps that say each time that they ran, the second of which reads what the first made.
    private static let site = [
        "pmo-release.yml": """
        build:
          - run: sh first.sh
            inputs: [first.sh, lib/*/package.json]
            outputs: [made, lib/*/modules]
            env: [TOKEN]
          - run: sh second.sh
            inputs: [second.sh, made, src]
            outputs: [dist]
        sites: { pmo.localhost: { root: dist } }
        """,
        "first.sh": """
        echo "ran first at $PWD"
        mkdir -p made/empty lib/a/modules; echo "token ${TOKEN-none} other ${OTHER-none}" > made/tool
        chmod 755 made/tool; ln -s tool made/link; touch -d 2001-02-03T04:05:06Z made/tool; echo m > lib/a/modules/m
        """,
        "second.sh": "echo ran second; mkdir dist; cat src/index.html made/tool > dist/index.html\n",
        "lib/a/package.json": "{}\n", "src/index.html": "one\n", "README": "read me\n",
    ]

    private func steps(_ pushed: Ended) -> [String] {
        pushed.remote.map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0.hasPrefix("ran ") }.map {
            String($0.split(separator: " ")[1])
        }
    }

    private func push(_ host: TestHost, _ files: [String: String], _ options: String...) async throws -> Ended {
        try host.write(files)
        try await host.commit("A change")
        let words = ["push"] + options.flatMap { ["-o", $0] } + ["production", "main"]
        let pushed = try await host.run("git", words, within: .seconds(120))
        try #require(pushed.status == 0, "\(pushed)")
        return pushed
    }

    private func kept(_ host: TestHost) async throws -> [KeptStep] {
        let ended = try await host.pmo("cache", "list", "pmo", "--json")
        return try JSONDecoder().decode([KeptStep].self, from: Data(ended.out.utf8))
    }

    @Test("is not run again while nothing that it reads has changed, and what it made is the same to the second")
    func isReused() async throws {
        try await TestHost.with { host in
            let first = try await push(host, Self.site)
            #expect(steps(first) == ["first", "second"], "\(first)")
            #expect(first.remote.contains { $0.contains("ran first at \(host.home)/pmo/build") }, "\(first)")
            let made = "\(host.home)/pmo/releases/\(try #require(host.live()))"

            let second = try await push(host, ["README": "read me again\n"])
            #expect(steps(second) == [], "\(second)")
            #expect(second.remote.contains { $0.hasPrefix("-----> Build    reused sh first.sh") }, "\(second)")
            #expect(second.remote.contains { $0.contains("2 reused") }, "\(second)")
            let again = "\(host.home)/pmo/releases/\(try #require(host.live()))"
            #expect(again != made)
            let find = "cd $0; find made dist lib/a/modules -printf '%p %y %m %T@ %l\\n' | sort"
            let list = ["-c", "\(find); sha1sum dist/* made/tool"]
            let one = try await host.run("sh", list + [made])
            #expect(one.status == 0 && one.out.contains("made/tool f 755 981173106.0"), "\(one)")
            #expect(one.out.contains("made/empty d 755") && one.out.contains("made/link l 777"), "\(one)")
            #expect(try await host.run("sh", list + [again]).out == one.out)
            #expect(try await host.get("/").body == "one\ntoken none other none\n")
            #expect(
                try await host.ledger("SELECT detail FROM phases WHERE phase = 'build'") == ["2 built", "2 reused"])

            // The page alone: the second step runs. What the first reads: it does, and makes what it made before.
            #expect(steps(try await push(host, ["src/index.html": "two\n"])) == ["second"])
            #expect(steps(try await push(host, ["lib/b/package.json": "{}\n"])) == ["first"])
            // As it was before: both are still kept.
            try await host.git("rm", "--quiet", "lib/b/package.json")
            #expect(steps(try await push(host, ["src/index.html": "one\n"])) == [])
        }
    }

    @Test("gets the keys that it declares and no other, and runs when one of them changes")
    func isKeyedByItsEnvironment() async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("env", "set", "pmo", "TOKEN=canary-1", "OTHER=x").status == 0)
            #expect(steps(try await push(host, Self.site)) == ["first", "second"])
            #expect(try await host.get("/").body == "one\ntoken canary-1 other none\n")
            #expect(try await host.pmo("env", "set", "pmo", "OTHER=y").status == 0)
            #expect(steps(try await push(host, ["README": "2\n"])) == [])
            #expect(try await host.pmo("env", "set", "pmo", "TOKEN=canary-2").status == 0)
            #expect(steps(try await push(host, ["README": "3\n"])) == ["first", "second"])
            #expect(try await host.get("/").body == "one\ntoken canary-2 other none\n")
            // R9, A40: the store says nothing of a value; what a step writes into its outputs is its own affair.
            let told = try await host.run("sh", ["-c", "cat \(host.home)/pmo/steps/*/step.json"])
            #expect(told.status == 0 && told.out.contains("sh first.sh") && !told.out.contains("canary"), "\(told)")
        }
    }

    @Test("is run and kept anew by -o no-cache; cache list shows what is kept, and cache clear removes it")
    func isCleared() async throws {
        try await TestHost.with { host in
            _ = try await push(host, Self.site)
            let before = try await kept(host)
            #expect(before.count == 2 && Set(before.map(\.command)) == ["sh first.sh", "sh second.sh"])
            #expect(steps(try await push(host, ["README": "2\n"], "no-cache")) == ["first", "second"])
            #expect(Set(try await kept(host).map(\.key)) == Set(before.map(\.key)))
            #expect(steps(try await push(host, ["README": "3\n"])) == [])
            let shown = try await host.pmo("cache", "list", "pmo")
            #expect(shown.out.contains("STEP") && shown.out.contains("sh second.sh"), "\(shown)")
            let cleared = try await host.pmo("cache", "clear", "pmo")
            #expect(cleared.status == 0 && cleared.err.contains("removed 2 steps"), "\(cleared)")
            #expect(try await kept(host).isEmpty && host.names("\(host.home)/pmo/steps") == [])
            #expect(steps(try await push(host, ["README": "4\n"])) == ["first", "second"])
        }
    }

    @Test("has its outputs held to the budget, the least recently used first")
    func isHeldToABudget() async throws {
        let manifest = """
            cache: 100K
            build:
              - run: mkdir dist && head -c 60000 /dev/zero > dist/zero && cp page dist/index.html
                inputs: [page]
                outputs: [dist]
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            _ = try await push(host, ["pmo-release.yml": manifest, "page": "1\n"])
            let first = try #require(try await kept(host).first)
            _ = try await push(host, ["page": "2\n"])
            let second = try await kept(host)
            #expect(second.count == 1 && second[0].key != first.key, "\(second)")
            let two = """
                  - run: mkdir more && head -c 60000 /dev/zero > more/zero && cp page more
                    inputs: [page]
                    outputs: [more]
                sites:
                """
            let both = try await push(host, ["pmo-release.yml": manifest.replacing("sites:", with: two)])
            #expect(both.remote.contains { $0.contains(" is full without it") }, "\(both)")
            #expect(try await kept(host).map(\.command).allSatisfy { $0.contains("mkdir more") })
            let more = try await push(
                host, ["pmo-release.yml": manifest.replacing("100K", with: "50K"), "page": "3\n"])
            #expect(more.remote.contains { $0.contains("not kept for the next time") }, "\(more)")
            #expect(try await kept(host).isEmpty)
        }
    }

    @Test("cannot reach the store, and nothing that a release writes gets there")
    func isApart() async throws {
        try await TestHost.with { host in
            _ = try await push(host, Self.site)
            let release = "\(host.home)/pmo/releases/\(try #require(host.live()))"
            try "defaced\n".write(toFile: "\(release)/dist/index.html", atomically: false, encoding: .utf8)
            let snoop = "ls -A ../steps 2>/dev/null || true; cat ../../steps/*/step.json 2>/dev/null || true; ls -A .."
            let pushed = try await push(host, ["second.sh": Self.site["second.sh"]! + snoop + "\n"])
            #expect(!pushed.remote.contains { $0.contains("step.json") || $0.contains("\"key\"") }, "\(pushed)")
            #expect(!pushed.remote.contains { $0.trimmingCharacters(in: .whitespaces) == "steps" }, "\(pushed)")
            _ = try await push(host, ["second.sh": Self.site["second.sh"]!])
            #expect(try await host.get("/").body == "one\ntoken none other none\n")
        }
    }

    @Test("whose entry is damaged runs again, beside what the tree has in the place of its outputs")
    func isCheckedFirst() async throws {
        let manifest = """
            build: [{ run: 'cp page public/made', inputs: [page], outputs: [public] }]
            sites: { pmo.localhost: { root: public } }
            """
        try await TestHost.with { host in
            _ = try await push(host, ["pmo-release.yml": manifest, "page": "1\n", "public/index.html": "tracked\n"])
            let removed = try await host.run("sh", ["-c", "rm \(host.home)/pmo/steps/*/outputs/public/made"])
            try #require(removed.status == 0, "\(removed)")
            let again = try await push(host, ["README": "2\n"])
            #expect(again.remote.contains { $0.contains("1 built") }, "\(again)")
            #expect(try await host.get("/").body == "tracked\n")
            #expect(try await host.get("/made").body == "1\n")
        }
    }

    @Test("whose entry is damaged runs again")
    func isChecked() async throws {
        try await TestHost.with { host in
            _ = try await push(host, Self.site)
            let removed = try await host.run("sh", ["-c", "rm \(host.home)/pmo/steps/*/outputs/dist/index.html"])
            try #require(removed.status == 0, "\(removed)")
            #expect(steps(try await push(host, ["README": "2\n"])) == ["second"])
            #expect(try await host.get("/").body == "one\ntoken none other none\n")
            let empty = "for file in \(host.home)/pmo/steps/*/step.json; do : > $file; done"
            let emptied = try await host.run("sh", ["-c", empty])
            try #require(emptied.status == 0, "\(emptied)")
            #expect(steps(try await push(host, ["README": "3\n"])) == ["first", "second"])
        }
    }

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
            #expect(steps(try await push(host, files)) == ["pack"])
            #expect(steps(try await push(host, ["README": "2\n"])) == [])
            #expect(steps(try await push(host, ["version": "2\n"])) == ["pack"])
            #expect(try await host.get("/app.js").body == "v 2\n")
            #expect(steps(try await push(host, ["version": "1\n"])) == [])
            #expect(try await host.get("/app.js").body == "v 1\n")
        }
    }

    @Test("that changes what is none of its outputs is not kept, and what it makes beside them is told")
    func isToldOfTheRest() async throws {
        let manifest = """
            build:
              - { run: 'echo ran move; mkdir gen; mv src/app.js gen/', inputs: [src], outputs: [gen/app.js] }
              - { run: 'mkdir -p dist junk/deep; echo > junk/deep/file; cp gen/* src/* dist/', inputs: [gen, src/page],
                  outputs: [dist] }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            let first = try await push(host, ["pmo-release.yml": manifest, "src/app.js": "1\n", "src/page": "p\n"])
            #expect(first.remote.contains { $0.contains("it also changed src/app.js; see `outputs`") }, "\(first)")
            #expect(first.remote.contains { $0.hasSuffix("removed, since no output: junk") }, "\(first)")
            let second = try await push(host, ["README": "2\n"])
            #expect(
                steps(second) == ["move"] && second.remote.contains { $0.contains("1 reused, 1 built") }, "\(second)")
            let live = "\(host.home)/pmo/releases/\(try #require(host.live()))"
            #expect(!host.names(live).contains("junk"))
            #expect(host.names("\(live)/dist") == ["app.js", "page"] && host.names("\(live)/src") == ["page"])
        }
    }

    /// Pushes some changes, and sees that the release is what it is where nothing is reused.
    private func expectSame(_ host: TestHost, _ files: [String: String], _ page: String, _ body: String) async throws {
        _ = try await push(host, files)
        let reused = try await host.get(page).body
        _ = try await push(host, [:], "no-cache")
        #expect(try await host.get(page).body == reused)
        #expect(reused == body)
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
            _ = try await push(host, [:])
            try await expectSame(host, changes, "/", body)
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
            _ = try await push(host, [:])
            #expect(try await host.pmo("env", "set", "pmo", "VAL=two").status == 0)
            try await expectSame(host, ["README": "2\n"], "/", "V=two\nk\n")
        }
    }

    @Test("with a star keeps every name or nothing, and goes on with a socket among its outputs")
    func keepsOddNames() async throws {
        let manifest = #"""
            build:
              - run: mkdir -p dist; cp page dist/index.html; cp page "$(printf 'dist/caf\351')"
                inputs: [page]
                outputs: [dist/*]
              - { run: mkfifo pipe, inputs: [page], outputs: [pipe] }
              - run: mkdir -p more; cp page "$(printf 'more/n\303\251')"; cp page "$(printf 'more/ne\314\201')"
                inputs: [page]
                outputs: [more/*]
            sites: { pmo.localhost: { root: dist } }
            """#
        try await TestHost.with { host in
            let first = try await push(host, ["pmo-release.yml": manifest, "page": "1\n"])
            #expect(first.remote.contains { $0.contains("has a name that cannot be noted") }, "\(first)")
            #expect(first.remote.contains { $0.contains("is neither file, directory nor link") }, "\(first)")
            let second = try await push(host, ["README": "2\n"])
            #expect(second.remote.contains { $0.contains("1 reused, 2 built") }, "\(second)")
            let live = "\(host.home)/pmo/releases/\(try #require(host.live()))"
            let listed = try await host.run("sh", ["-c", "ls \(live)/dist | wc -l; ls \(live)/more | wc -l"])
            #expect(listed.out.split(separator: "\n") == ["2", "2"], "\(listed)")
        }
    }

    @Test("in the place of a file of the tree is not kept, and the next push goes through")
    func standsInTheWay() async throws {
        let manifest = """
            build: [{ run: 'rm -f a; mkdir -p a dist; cp page a/b; cp page dist', inputs: [page], outputs: [a/b, dist] }]
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            let first = try await push(host, ["pmo-release.yml": manifest, "page": "1\n", "a": "file\n"])
            #expect(first.remote.contains { $0.contains("it also changed a; see `outputs`") }, "\(first)")
            _ = try await push(host, ["README": "2\n"])
            try await host.git("rm", "--quiet", "a")
            let third = try await push(host, ["README": "3\n"])
            #expect(!third.remote.contains { $0.contains("also changed") }, "\(third)")
            try host.write(["a": "file again\n"])
            _ = try await push(host, ["README": "4\n"])
        }
    }

    @Test("keeps nothing of an older run once -o no-cache has run it, and to the budget also where deploys fail")
    func isForgotten() async throws {
        let manifest = """
            cache: 100K
            build:
              - run: mkdir dist; cp page dist/index.html; test ! -e large || head -c 200000 /dev/zero > dist/zero
                inputs: [page]
                outputs: [dist]
              - { run: test ! -e fail }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            _ = try await push(host, ["pmo-release.yml": manifest, "page": "1\n"])
            #expect(try await kept(host).count == 1)
            let large = try await push(host, ["large": ""], "no-cache")
            #expect(large.remote.contains { $0.contains("larger than cache") }, "\(large)")
            #expect(try await kept(host).isEmpty)
            try await host.git("rm", "--quiet", "large")
            for number in 2...4 {
                try host.write(["page": "\(number)\n" + String(repeating: "x", count: 60_000), "fail": ""])
                try await host.commit("Fail \(number)")
                #expect(try await host.push().status == 1)
                #expect(try await kept(host).count == 1)
            }
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
            _ = try await push(host, ["pmo-release.yml": manifest, "page": "1\n", "api/k": ""])
            try await expectOne("first")
            let pids = try await host.pids("api")
            _ = try await push(host, ["README": "2\n"])
            try await expectOne("again")
            if budget == "1M" { #expect(try await host.pids("api") == pids) }
            try host.write(["fail": ""])
            try await host.commit("Fail")
            let failing = ["push", "-o", "no-cache", "production", "main"]
            #expect(try await host.run("git", failing, within: .seconds(120)).status == 1)
            try await host.git("rm", "--quiet", "fail")
            _ = try await push(host, ["README": "3\n"])
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
            _ = try await push(host, ["pmo-release.yml": manifest, "src": "1\n", "cfg": "base\n", "other": "o\n"])
            for (src, reused) in [("1", "2 reused"), ("2", "1 reused"), ("3", "1 reused")] {
                let pushed = try await push(host, ["src": "\(src)\n", "README": UUID().uuidString])
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
            _ = try await push(host, ["pmo-release.yml": manifest, "page/index.html": "1\n"])
            let second = try await push(host, ["README": "2\n"])
            #expect(second.remote.contains { $0.contains("1 reused") }, "\(second)")
            #expect(try await host.get("/").body == "1\n")
        }
    }

    @Test("of a directory that has become a link runs, in place of failing where its outputs were to go")
    func outlivesALink() async throws {
        let run = "for d in p/*; do mkdir -p $d/dist; cat page $d/keep > $d/dist/x; done"
        let manifest = """
            build: [{ run: '\(run)', inputs: [page, 'p/*/keep'], outputs: ['p/*/dist'] }]
            sites: { pmo.localhost: { root: q } }
            """
        try await TestHost.with { host in
            let files = ["p/a/keep": "1\n", "p/b/keep": "1\n", "q/a/keep": "1\n", "page": "1\n"]
            _ = try await push(host, files.merging(["pmo-release.yml": manifest]) { $1 })
            try await host.git("rm", "--quiet", "-r", "p/a")
            try FileManager.default.createSymbolicLink(atPath: "\(host.work)/p/a", withDestinationPath: "../q/a")
            _ = try await push(host, ["README": "2\n"])
            let third = try await push(host, ["README": "3\n"])
            #expect(third.remote.contains { $0.contains("1 reused") }, "\(third)")
            let live = "\(host.home)/pmo/releases/\(try #require(host.live()))"
            #expect(host.names("\(live)/p/b/dist") == ["x"] && host.names("\(live)/q/a") == ["keep"])
        }
    }

    @Test("is the same reused and run below a star, behind a link to a link, and under any umask")
    func isTheSame() async throws {
        let manifest = """
            build:
              - { run: 'ln -sfn $PWD/data.1 cur', within: 1m }
              - run: mkdir -p build/main/bundle build/tmp; cp page build/main/bundle; cp page build/tmp; cp page build/list
                inputs: [page]
                outputs: ['build/*/bundle']
              - { run: 'mkdir dist; ls build > dist/list; cat cfg/data/x > dist/index.html', inputs: [build, cfg], outputs: [dist] }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            try host.write(["pmo-release.yml": manifest, "page": "1\n", "data.1/x": "one\n", "cfg/k": ""])
            try FileManager.default.createSymbolicLink(
                atPath: "\(host.work)/cfg/data", withDestinationPath: "../cur")
            try await host.commit("First")
            let line = "umask 002; git push production main 2>&1"
            let first = try await host.run("sh", ["-c", line], within: .seconds(120))
            #expect(first.status == 0 && !first.out.contains("not kept"), "\(first)")
            #expect(try await host.get("/list").body == "main\n")
            let second = try await push(host, ["README": "2\n"])
            #expect(second.remote.contains { $0.contains("2 reused, 1 built") }, "\(second)")
            #expect(try await host.get("/").body == "one\n")
            _ = try await push(host, ["data.1/x": "two\n"])
            #expect(try await host.get("/").body == "two\n")
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
            _ = try await push(host, ["pmo-release.yml": manifest, "page": "1\n"])
            #expect(try await host.get("/").body == "made\n")
        }
    }

    @Test("must write to each of its outputs, also to one that the tree has")
    func makesItsOutputs() async throws {
        let manifest = """
            build: [{ run: 'mkdir -p dist; cp page dist/', inputs: [page], outputs: [dist, public] }]
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            try host.write(["pmo-release.yml": manifest, "page": "1\n", "public/page": "old\n"])
            try await host.commit("Make half")
            let pushed = try await host.push()
            #expect(pushed.status == 1, "\(pushed)")
            let sentence = "the output public stands in the tree already, and its step did not write to it"
            #expect(pushed.remote.contains { $0.contains(sentence) }, "\(pushed)")
            #expect(
                steps(
                    try await push(
                        host, ["pmo-release.yml": manifest.replacing("page dist/", with: "page dist/; cp page public/")]
                    )) == [])
            #expect(try await kept(host).map(\.command) == ["mkdir -p dist; cp page dist/; cp page public/"])
        }
    }
}
