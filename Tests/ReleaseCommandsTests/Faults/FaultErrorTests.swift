import FailPoints
import Foundation
import Glibc
import Testing

/// G4: a system call fails wherever something changes. The old release serves, the push says what, where and why, what was
/// half made is gone; nobody needs to recover anything.
@Suite("G4: Failing calls", .timeLimit(.minutes(30)))
struct FaultErrorTests {
    private static let errors = [
        ("enospc", "no space left on device"), ("eio", "input/output error"), ("erofs", "read-only file system"),
        ("edquot", "disk quota exceeded"), ("emfile", "too many open files"), ("enomem", "cannot allocate memory"),
    ]
    /// After these the release is live: the push says so, whatever fails.
    private static let late: Set<FailPoint> = [
        .switchAfterSettle, .branchBeforeMove, .branchAfterMove, .pruneBeforeHide, .pruneAfterHide, .pruneAfterRemove,
        .pruneAfterSpare,
    ]

    @Test("F15–F22: each error at a point of the push of a page, all of them in a soak")
    func push() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "first\n", "pmo-release.yml": TestHost.site])
            for _ in 0..<3 { try await host.deploy(["index.html": "\(UUID())\n"]) }
            let points = FailPoint.allCases.filter { point in
                !["build", "migrate", "start", "check", "bake", "retire", "recovery", "create", "destroy", "root"]
                    .contains {
                        point.rawValue.hasPrefix($0 + ".")
                    }
                    && ![.switchBeforeExchange, .pruneAfterHide, .pruneAfterRemove].contains(point)
            }
            var count = 0
            for (number, point) in points.enumerated() {
                for (error, sentence) in FaultCount.isSoak ? Self.errors : [Self.errors[number % Self.errors.count]] {
                    let plan = "\(point.rawValue):\(error)"
                    let push = try await host.push(failing: plan)
                    #expect(push.struckInHooks + push.struckInWorker > 0, "nothing passes \(plan): \(push.ended)")
                    let found = try await host.violations(after: push).filter { line in
                        // Told as failed by a hook that could not record it: nobody runs it, and the next command ends it.
                        !(push.struckInHooks > 0 && line.hasPrefix("I7: deploy"))
                    }
                    #expect(found == [], "\(plan): \(push.ended)")
                    if push.ended.status != 0 {
                        #expect(push.ended.err.contains(sentence), "\(plan): \(push.ended)")
                        #expect(push.ended.err.contains(host.home), "the path is named: \(plan): \(push.ended)")
                    }
                    #expect(
                        (push.ended.status == 0) == (host.live() == push.commit) || push.struckInHooks > 0,
                        "\(plan): \(push.ended)")
                    if Self.late.contains(point) { #expect(push.ended.status == 0, "\(plan): \(push.ended)") }
                    if push.struckInHooks > 0 { try await host.resume() }
                    count += 1
                }
            }
            try await host.deploy(["index.html": "last\n"])
            print("G4: \(count) errors at \(points.count) places of a push")
        }
    }

    @Test("F20: a release that could not be synced is not built upon, and the commit is made anew")
    func sync() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "first\n", "pmo-release.yml": TestHost.site])
            for point in ["complete.before-sync", "complete.after-rename", "switch.after-rename"] {
                let push = try await host.push(failing: "\(point):eio")
                #expect(push.ended.status == 1 && push.ended.err.contains("cannot sync "), "\(point): \(push.ended)")
                #expect(!host.releases().contains { $0.contains(push.commit) }, "\(point): \(host.releases())")
                try await host.expectWell(after: push, point)
                let again = try await host.push()
                #expect(again.status == 0 && host.live() == push.commit, "\(point): \(again)")
                try await host.expectWell("\(point), pushed again")
            }
        }
    }

    @Test(
        "F15, F16: a disk that fills up in mid-deploy, by blocks and by inodes",
        .enabled(if: geteuid() == 0, "mounting takes root"),
        arguments: ["export.after-partial", "configure.before-files", "complete.before-sync", "switch.before-links"])
    func fullDisk(point: String) async throws {
        try await TestHost.with(disk: "size=160m,nr_inodes=3000") { host in
            try await host.deploy(["index.html": "first\n", "pmo-release.yml": TestHost.site])
            // It tidies up after its pusher has been told, and would free inodes on the full disk.
            try #require(try await eventually { host.workers().isEmpty })
            try host.write(["index.html": "second\n"])
            let commit = try await host.commit("Second")
            let pushing = try host.start(
                "git", ["push", "production", "main"], environment: ["PMO_FAIL": "\(point):stop"])
            let worker = try await host.stoppedWorker()
            let fill =
                "import os\nos.chdir('\(host.home)')\nn = 0\ntry:\n  while True: open(f'f{n}', 'x').close(); n += 1\nexcept OSError: pass\n"
            let filled = try await host.run("python3", ["-c", fill], directory: "/")
            try #require(filled.status == 0, "\(filled)")
            _ = try await host.run("sh", ["-c", "cat /dev/zero > \(host.home)/f0"], directory: "/")
            kill(worker, SIGCONT)
            let ended = try await pushing.ended()
            try #require(try await eventually { host.workers().isEmpty })
            #expect(ended.status == 1 && ended.err.contains("no space left on device"), "\(ended)")
            #expect(host.live() != commit)
            // F18: on the full disk, what is there can be asked and served.
            #expect(try await host.get("/index.html").body == "first\n")
            _ = try await host.run("sh", ["-c", "rm -f \(host.home)/f*"], directory: "/")
            try await host.resume()
            try await host.expectWell("a full disk at \(point): \(ended)")
            let again = try await host.push()
            #expect(again.status == 0, "\(again)")
        }
    }
}

extension TestHost {
    /// The deploy's process, once a fail point has stopped it.
    func stoppedWorker() async throws -> pid_t {
        var found: pid_t?
        try #require(
            try await eventually {
                found = workers().first(where: \.isStopped)?.pid
                return found != nil
            }, "the deploy's process has not stopped")
        return try #require(found)
    }
}
