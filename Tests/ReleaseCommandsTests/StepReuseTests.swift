import Foundation
import Testing

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

    @Test("is not run again while nothing that it reads has changed, and what it made is the same to the second")
    func isReused() async throws {
        try await TestHost.with { host in
            let first = try await host.deployed(Self.site)
            #expect(first.stepsRun == ["first", "second"], "\(first)")
            #expect(first.remote.contains { $0.contains("ran first at \(host.home)/pmo/build") }, "\(first)")
            let made = "\(host.home)/pmo/releases/\(try #require(host.live()))"

            let second = try await host.deployed(["README": "read me again\n"])
            #expect(second.stepsRun == [], "\(second)")
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
            #expect(try await host.deployed(["src/index.html": "two\n"]).stepsRun == ["second"])
            #expect(try await host.deployed(["lib/b/package.json": "{}\n"]).stepsRun == ["first"])
            // As it was before: both are still kept.
            try await host.git("rm", "--quiet", "lib/b/package.json")
            #expect(try await host.deployed(["src/index.html": "one\n"]).stepsRun == [])
        }
    }

    @Test("gets the keys that it declares and no other, and runs when one of them changes")
    func isKeyedByItsEnvironment() async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("env", "set", "pmo", "TOKEN=canary-1", "OTHER=x").status == 0)
            #expect(try await host.deployed(Self.site).stepsRun == ["first", "second"])
            #expect(try await host.get("/").body == "one\ntoken canary-1 other none\n")
            #expect(try await host.pmo("env", "set", "pmo", "OTHER=y").status == 0)
            #expect(try await host.deployed(["README": "2\n"]).stepsRun == [])
            #expect(try await host.pmo("env", "set", "pmo", "TOKEN=canary-2").status == 0)
            #expect(try await host.deployed(["README": "3\n"]).stepsRun == ["first", "second"])
            #expect(try await host.get("/").body == "one\ntoken canary-2 other none\n")
            // R9, A40: the store says nothing of a value; what a step writes into its outputs is its own affair.
            let told = try await host.run("sh", ["-c", "cat \(host.home)/pmo/steps/*/step.json"])
            #expect(told.status == 0 && told.out.contains("sh first.sh") && !told.out.contains("canary"), "\(told)")
        }
    }

    @Test("is run and kept anew by -o no-cache; cache list shows what is kept, and cache clear removes it")
    func isCleared() async throws {
        try await TestHost.with { host in
            _ = try await host.deployed(Self.site)
            let before = try await host.keptSteps()
            #expect(before.count == 2 && Set(before.map(\.command)) == ["sh first.sh", "sh second.sh"])
            #expect(try await host.deployed(["README": "2\n"], "no-cache").stepsRun == ["first", "second"])
            #expect(Set(try await host.keptSteps().map(\.key)) == Set(before.map(\.key)))
            #expect(try await host.deployed(["README": "3\n"]).stepsRun == [])
            let shown = try await host.pmo("cache", "list", "pmo")
            #expect(shown.out.contains("STEP") && shown.out.contains("sh second.sh"), "\(shown)")
            let cleared = try await host.pmo("cache", "clear", "pmo")
            #expect(cleared.status == 0 && cleared.err.contains("removed 2 steps"), "\(cleared)")
            #expect(try await host.keptSteps().isEmpty && host.names("\(host.home)/pmo/steps") == [])
            #expect(try await host.deployed(["README": "4\n"]).stepsRun == ["first", "second"])
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
            _ = try await host.deployed(["pmo-release.yml": manifest, "page": "1\n"])
            let first = try #require(try await host.keptSteps().first)
            _ = try await host.deployed(["page": "2\n"])
            let second = try await host.keptSteps()
            #expect(second.count == 1 && second[0].key != first.key, "\(second)")
            let two = """
                  - run: mkdir more && head -c 60000 /dev/zero > more/zero && cp page more
                    inputs: [page]
                    outputs: [more]
                sites:
                """
            let both = try await host.deployed(["pmo-release.yml": manifest.replacing("sites:", with: two)])
            #expect(both.remote.contains { $0.contains(" is full without it") }, "\(both)")
            #expect(try await host.keptSteps().map(\.command).allSatisfy { $0.contains("mkdir more") })
            let more = try await host.deployed([
                "pmo-release.yml": manifest.replacing("100K", with: "50K"), "page": "3\n",
            ])
            #expect(more.remote.contains { $0.contains("not kept for the next time") }, "\(more)")
            #expect(try await host.keptSteps().isEmpty)
        }
    }

    @Test("cannot reach the store, and nothing that a release writes gets there")
    func isApart() async throws {
        try await TestHost.with { host in
            _ = try await host.deployed(Self.site)
            let release = "\(host.home)/pmo/releases/\(try #require(host.live()))"
            try "defaced\n".write(toFile: "\(release)/dist/index.html", atomically: false, encoding: .utf8)
            let snoop = "ls -A ../steps 2>/dev/null || true; cat ../../steps/*/step.json 2>/dev/null || true; ls -A .."
            let pushed = try await host.deployed(["second.sh": Self.site["second.sh"]! + snoop + "\n"])
            #expect(!pushed.remote.contains { $0.contains("step.json") || $0.contains("\"key\"") }, "\(pushed)")
            #expect(!pushed.remote.contains { $0.trimmingCharacters(in: .whitespaces) == "steps" }, "\(pushed)")
            _ = try await host.deployed(["second.sh": Self.site["second.sh"]!])
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
            _ = try await host.deployed(["pmo-release.yml": manifest, "page": "1\n", "public/index.html": "tracked\n"])
            let removed = try await host.run("sh", ["-c", "rm \(host.home)/pmo/steps/*/outputs/public/made"])
            try #require(removed.status == 0, "\(removed)")
            let again = try await host.deployed(["README": "2\n"])
            #expect(again.remote.contains { $0.contains("1 built") }, "\(again)")
            #expect(try await host.get("/").body == "tracked\n")
            #expect(try await host.get("/made").body == "1\n")
        }
    }

    @Test("whose entry is damaged runs again")
    func isChecked() async throws {
        try await TestHost.with { host in
            _ = try await host.deployed(Self.site)
            let removed = try await host.run("sh", ["-c", "rm \(host.home)/pmo/steps/*/outputs/dist/index.html"])
            try #require(removed.status == 0, "\(removed)")
            #expect(try await host.deployed(["README": "2\n"]).stepsRun == ["second"])
            #expect(try await host.get("/").body == "one\ntoken none other none\n")
            let empty = "for file in \(host.home)/pmo/steps/*/step.json; do : > $file; done"
            let emptied = try await host.run("sh", ["-c", empty])
            try #require(emptied.status == 0, "\(emptied)")
            #expect(try await host.deployed(["README": "3\n"]).stepsRun == ["first", "second"])
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
            _ = try await host.deployed(["pmo-release.yml": manifest, "page": "1\n"])
            #expect(try await host.keptSteps().count == 1)
            let large = try await host.deployed(["large": ""], "no-cache")
            #expect(large.remote.contains { $0.contains("larger than cache") }, "\(large)")
            #expect(try await host.keptSteps().isEmpty)
            try await host.git("rm", "--quiet", "large")
            for number in 2...4 {
                try host.write(["page": "\(number)\n" + String(repeating: "x", count: 60_000), "fail": ""])
                try await host.commit("Fail \(number)")
                #expect(try await host.push().status == 1)
                #expect(try await host.keptSteps().count == 1)
            }
        }
    }
}
