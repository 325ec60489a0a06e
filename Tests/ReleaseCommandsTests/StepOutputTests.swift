import Foundation
import Testing

@Suite("What a build step leaves", .serialized, .timeLimit(.minutes(20)))
struct StepOutputTests {
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
            let first = try await host.deployed(["pmo-release.yml": manifest, "src/app.js": "1\n", "src/page": "p\n"])
            #expect(first.remote.contains { $0.contains("it also changed src/app.js; see `outputs`") }, "\(first)")
            #expect(first.remote.contains { $0.hasSuffix("removed, since no output: junk") }, "\(first)")
            let second = try await host.deployed(["README": "2\n"])
            #expect(
                second.stepsRun == ["move"] && second.remote.contains { $0.contains("1 reused, 1 built") }, "\(second)")
            let live = "\(host.home)/pmo/releases/\(try #require(host.live()))"
            #expect(!host.names(live).contains("junk"))
            #expect(host.names("\(live)/dist") == ["app.js", "page"] && host.names("\(live)/src") == ["page"])
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
            let first = try await host.deployed(["pmo-release.yml": manifest, "page": "1\n"])
            #expect(first.remote.contains { $0.contains("has a name that cannot be noted") }, "\(first)")
            #expect(first.remote.contains { $0.contains("is neither file, directory nor link") }, "\(first)")
            let second = try await host.deployed(["README": "2\n"])
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
            let first = try await host.deployed(["pmo-release.yml": manifest, "page": "1\n", "a": "file\n"])
            #expect(first.remote.contains { $0.contains("it also changed a; see `outputs`") }, "\(first)")
            _ = try await host.deployed(["README": "2\n"])
            try await host.git("rm", "--quiet", "a")
            let third = try await host.deployed(["README": "3\n"])
            #expect(!third.remote.contains { $0.contains("also changed") }, "\(third)")
            try host.write(["a": "file again\n"])
            _ = try await host.deployed(["README": "4\n"])
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
            _ = try await host.deployed(files.merging(["pmo-release.yml": manifest]) { $1 })
            try await host.git("rm", "--quiet", "-r", "p/a")
            try FileManager.default.createSymbolicLink(atPath: "\(host.work)/p/a", withDestinationPath: "../q/a")
            _ = try await host.deployed(["README": "2\n"])
            let third = try await host.deployed(["README": "3\n"])
            #expect(third.remote.contains { $0.contains("1 reused") }, "\(third)")
            let live = "\(host.home)/pmo/releases/\(try #require(host.live()))"
            #expect(host.names("\(live)/p/b/dist") == ["x"] && host.names("\(live)/q/a") == ["keep"])
        }
    }

    @Test("is the same reused and run below a star, behind a link to a link, and under any umask")
    func isTheSame() async throws {
        let manifest = """
            build:
              - { run: 'ln -sfn data.1 cur', within: 1m }
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
            let second = try await host.deployed(["README": "2\n"])
            #expect(second.remote.contains { $0.contains("2 reused, 1 built") }, "\(second)")
            #expect(try await host.get("/").body == "one\n")
            _ = try await host.deployed(["data.1/x": "two\n"])
            #expect(try await host.get("/").body == "two\n")
        }
    }

    @Test("is no other name of a file, which what is written to that would change as well")
    func isSeparate() async throws {
        let manifest = """
            build:
              - { run: 'cp -al assets dist; ln dist/index.html dist/other.html', inputs: [assets], outputs: [dist] }
              - { run: 'cat sel >> dist/index.html' }
              - { run: 'cat assets/index.html dist/other.html > dist/all', inputs: [assets, sel, dist/other.html], outputs: [dist/all] }
            sites: { pmo.localhost: { root: dist } }
            """
        try await TestHost.with { host in
            _ = try await host.deployed(["pmo-release.yml": manifest, "assets/index.html": "1\n", "sel": "a\n"])
            #expect(try await host.get("/").body == "1\na\n")
            #expect(try await host.get("/all").body == "1\n1\n")
            try await host.expectSame(["sel": "b\n"], "/all", "1\n1\n")
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
            let both = manifest.replacing("page dist/", with: "page dist/; cp page public/")
            #expect(try await host.deployed(["pmo-release.yml": both]).stepsRun == [])
            #expect(try await host.keptSteps().map(\.command) == ["mkdir -p dist; cp page dist/; cp page public/"])
        }
    }
}
