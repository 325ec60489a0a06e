import Foundation
import Glibc
import Testing

@Suite("A build step that cannot be kept", .serialized, .timeLimit(.minutes(20)))
struct StepFailureTests {
    private func manifest(_ run: String, outputs: String = "dist", inputs: String = "page") -> [String: String] {
        [
            "pmo-release.yml": """
            build: [{ run: '\(run)', inputs: [\(inputs)], outputs: [\(outputs)] }]
            sites: { pmo.localhost: { root: . } }
            """, "page": "1\n",
        ]
    }

    @Test(
        "fails the push, keeps nothing and leaves no release",
        arguments: [
            ("true", "the output dist was not made by its step"),
            ("ln -s /etc dist", "is a link to /etc, which leads out of the release"),
            ("mkdir dist; ln -s ../../../ledger.sqlite dist/x", "dist/x is a link to ../../../ledger.sqlite"),
            ("mkdir dist; ln -s $PWD/page dist/x", "which leads out of the release"),
            ("mkdir dist; echo \"#!$PWD/bin/a\" > dist/a; chmod +x dist/a", "begins with the path of the build"),
            ("mkdir dist; exit 7", "ended with status 7"),
        ])
    func isRefused(_ run: String, _ says: String) async throws {
        try await TestHost.with { host in
            try host.write(manifest(run))
            try await host.commit("A step")
            let pushed = try await host.push()
            #expect(pushed.status == 1 && pushed.err.contains(says), "\(pushed)")
            #expect(host.releases() == [] && host.names("\(host.home)/pmo/steps") == [])
        }
    }

    @Test(
        "A06: fails the push where its site would serve what is not the release's, whatever the link goes through",
        arguments: [
            "ln -s $HOST/other/env/values public/x", "ln -s ../../../other/env public/x", "ln -s /etc public/x",
            "ln -s ../side public/y; ln -s ../../other side/x", "ln -s ../.pmo/env public/x",
            "ln -s $PWD/side public/y; ln -s y/.hidden public/x; ln -s /proc side/.hidden",
            "ln -s ../.side public/y; mkdir .side; ln -s /proc .side/x",
        ])
    func servesNothingElse(_ run: String) async throws {
        try await TestHost.with { host in
            let step = run.replacing("$HOST", with: host.home)
            try host.write([
                "pmo-release.yml": """
                build: [{ run: 'mkdir public side; \(step)' }]
                sites: { pmo.localhost: { root: public } }
                """
            ])
            try await host.commit("A link")
            let pushed = try await host.push()
            #expect(pushed.status == 1 && pushed.err.contains("the site would serve "), "\(pushed)")
            #expect(pushed.err.contains("hint: have the build copy what it links to"), "\(pushed)")
            #expect(host.releases() == [])
        }
    }

    @Test("lets a link in a site lead into the release, to shared files and to the system's programs")
    func servesItsOwn() async throws {
        try await TestHost.with { host in
            try host.write([
                "pmo-release.yml": """
                build:
                  - run: |
                      mkdir -p public/bin side .venv/x; echo side > side/page; ln -s /proc .venv/x/p
                      ln -s ../side public/a; ln -s $PWD/side/page public/b; ln -s a/page public/c; ln -s loop public/loop
                      ln -s ../nowhere public/d; ln -s /usr/bin/env public/bin/env; ln -s ../uploads public/up
                sites: { pmo.localhost: { root: public } }
                shared: [uploads]
                """
            ])
            let commit = try await host.commit("Links")
            let pushed = try await host.push()
            #expect(pushed.status == 0 && host.live() == commit, "\(pushed)")
            for path in ["/a/page", "/b", "/c"] { #expect(try await host.get(path).body == "side\n", "\(path)") }
        }
    }

    @Test("is refused with its line before the push is taken where an input is not in the commit")
    func isReviewed() async throws {
        try await TestHost.with { host in
            try host.write(manifest("true", inputs: "page, src"))
            try await host.commit("No such input")
            let before = try await host.snapshot()
            let pushed = try await host.push()
            #expect(
                pushed.status == 1
                    && pushed.err.contains("pmo-release.yml:1:") && pushed.err.contains("names “src”, which is not in"),
                "\(pushed)")
            #expect(try await host.snapshot() == before)
        }
    }

    @Test("F04: killed in mid-step keeps nothing, and what was half kept is swept")
    func isKilled() async throws {
        try await TestHost.with { host in
            try host.write(manifest("mkdir dist; echo x > dist/x; sleep 987"))
            try await host.commit("Sleep")
            let pushing = try host.start("git", ["push", "production", "main"])
            #expect(try await eventually { RunningProcess.all().contains { $0.arguments.last == "987" } })
            for process in RunningProcess.all()
            where process.mentions(host.root + "/") && process.arguments.contains("deploy-worker") {
                kill(process.pid, SIGKILL)
            }
            #expect(try await pushing.ended().status == 1)
            #expect(host.names("\(host.home)/pmo/steps") == [])
            // What a worker that was killed while it kept outputs leaves: by its name, the dead's.
            let half = "\(host.home)/pmo/steps/.0123456789012345678901234567890123456789.4194305.5.1.tmp"
            try FileManager.default.createDirectory(atPath: half + "/outputs/dist", withIntermediateDirectories: true)
            try host.write(manifest("mkdir dist; echo x > dist/x"))
            try await host.commit("Do not sleep")
            #expect(try await host.push().status == 0)
            #expect(host.names("\(host.home)/pmo/steps").count == 1 && !FileManager.default.fileExists(atPath: half))
        }
    }
}
