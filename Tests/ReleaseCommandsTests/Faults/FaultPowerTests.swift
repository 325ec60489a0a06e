import FailPoints
import Foundation
import Glibc
import Testing

/// G2: the power goes while a deploy is at one of its fail points. The file system is a real one on a loop device; it is
/// shut down without flushing its log, mounted again and looked over, and every process of the home is gone, as after a
/// boot.
@Suite(
    "G2: Without power", .serialized,
    .enabled(if: LoopDisk.isPossible, "mounting a disk image takes root and a loop device"),
    .timeLimit(.minutes(59)))
struct FaultPowerTests {
    private static let few: [FailPoint] = [
        .exportAfterTree, .completeBeforeSync, .completeAfterSync, .completeAfterRename, .completeAfterDirectorySync,
        .switchBeforePrevious, .switchBeforeRename, .switchAfterRename, .switchAfterDirectorySync, .branchAfterMove,
    ]
    private static let many: [FailPoint] = FailPoint.allCases.filter { point in
        ![
            "receive", "request", "build", "migrate", "start", "check", "bake", "retire", "recovery", "prune", "create",
            "destroy", "root",
        ]
        .contains {
            point.rawValue.hasPrefix($0 + ".")
        } && point != .switchBeforeExchange
    }

    @Test("F12, F13: hashes match, what was acknowledged is live, and something serves", arguments: ["ext4", "xfs"])
    func cut(system: String) async throws {
        var dice = SeededNumbers()
        let points: [FailPoint] =
            FaultCount.isSoak
            ? (0..<FaultCount.of("PMO_FAULT_CUTS", system == "xfs" ? 100 : 500)).map { Self.many[$0 % Self.many.count] }
            : system == "xfs" ? [.completeBeforeSync, .switchBeforeRename, .switchAfterRename] : Self.few
        try await TestHost.with(disk: "\(system):400m") { host in
            try await host.deploy(["index.html": "first\n", "pmo-release.yml": TestHost.site])
            try await host.deploy(["index.html": "second\n"])
            for (number, point) in points.enumerated() {
                try host.write(["index.html": "page \(number)\n"])
                try await host.commit("Page \(number)")
                let plan =
                    "\(point.rawValue):stop" + (FaultCount.isSoak ? "#\(Int.random(in: 1...3, using: &dice))" : "")
                let pushing = try host.start("git", ["push", "production", "main"], environment: ["PMO_FAIL": plan])
                if FaultCount.isSoak {
                    _ = try await eventually { pushing.hasEnded || host.hasStoppedProcess() }
                } else {
                    _ = try await host.stoppedWorker()
                }
                let unrelated = Bool.random(using: &dice)
                if unrelated { try await host.run("sh", ["-c", "echo x > \(host.home)/note; sync \(host.home)/note"]) }
                try await host.cutPower()
                let ended = try await pushing.ended()
                let resumed = try await host.pmo("resume", "--all")
                try #require(resumed.status == 0, "\(plan): \(resumed)")
                try await host.expectWell(
                    "\(system), seed \(dice.seed), \(plan), unrelated fsync: \(unrelated): \(resumed)")
                if ended.status == 0 { #expect(host.live() == (try await host.git("rev-parse", "HEAD"))) }
                let whole = try await host.run("git", ["fsck", "--connectivity-only"], directory: host.receiver)
                #expect(whole.status == 0, "\(plan): \(whole)")
            }
            // What was acknowledged is there, however soon the power goes.
            for number in 0..<3 {
                let commit = try await host.deploy(["index.html": "told \(number)\n"])
                try await host.cutPower()
                try await host.resume()
                #expect(host.live() == commit)
                try await host.expectWell("\(system): a push that was told to be live")
            }
        }
        print("G2: seed \(dice.seed): \(points.count + 3) power cuts on \(system)")
    }

    @Test("A test of the test: `ln -sfn` without a sync is seen to lose its file")
    func losesWithoutSync() async throws {
        try await TestHost.with(disk: "ext4:400m") { host in
            let place = "\(host.home)/peer"
            let begun = try await host.run(
                "sh",
                [
                    "-euc",
                    "mkdir -p \(place)/releases/1 && cd \(place) && echo old > releases/1/page && ln -s releases/1 current && sync",
                ])
            try #require(begun.status == 0, "\(begun)")
            let switched = try await host.run(
                "sh",
                [
                    "-euc",
                    "mkdir releases/2 && echo new > releases/2/page && ln -sfn releases/2 current && echo x > note && sync note",
                ],
                directory: place)
            try #require(switched.status == 0, "\(switched)")
            try await host.cutPower()
            let link = try FileManager.default.destinationOfSymbolicLink(atPath: "\(place)/current")
            #expect(link == "releases/2", "the switch itself is on the disk")
            #expect(host.text("\(place)/current/page") != "new\n", "and its file is not")
        }
    }
}

/// File systems on disk images.
enum LoopDisk {
    static var isPossible: Bool { geteuid() == 0 && access("/dev/loop-control", R_OK | W_OK) == 0 }
}

extension TestHost {
    /// Waits until nobody has the image mounted: a sandbox of another test copies all mounts, for as long as it runs.
    private func isDetached() async throws -> Bool {
        try await eventually { try await run("losetup", ["-j", image], directory: "/").out.isEmpty }
    }

    /// Whether the deploy's process or a hook of the push stands still.
    func hasStoppedProcess() -> Bool {
        RunningProcess.all().contains { $0.mentions(home) && $0.isStopped }
    }

    /// Shuts the home's file system down without flushing its log, ends every process of the home, and mounts the disk as
    /// a boot would; its own check must find nothing.
    func cutPower() async throws {
        // EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN, with the flag for no log flush: _IOR('X', 125, __u32), 2.
        let cut =
            "import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))"
        let ended = try await run("python3", ["-c", cut, home], directory: "/")
        try #require(ended.status == 0, "\(ended)")
        try #require(
            try await eventually {
                for process in RunningProcess.all() where process.mentions(root + "/") { kill(process.pid, SIGKILL) }
                return !RunningProcess.all().contains { $0.mentions(root + "/") }
            })
        try #require(try await eventually { try await run("umount", [home], directory: "/").status == 0 })
        try #require(try await isDetached())
        try await mountImage()
        try #require(try await run("umount", [home], directory: "/").status == 0)
        try #require(try await isDetached())
        let check = system == "xfs" ? ["xfs_repair", "-n", image] : ["e2fsck", "-f", "-n", image]
        let checked = try await run(check[0], Array(check.dropFirst()), directory: "/")
        try #require(checked.status == 0, "\(checked)")
        try await mountImage()
    }
}
