import Foundation
import Glibc
import Testing

@Suite("Load: rollbacks", .serialized, .timeLimit(.minutes(58)))
struct LoadRollbackTests {
    private func rollBack(_ host: TestHost, _ count: Int) async throws -> [Double] {
        var took: [Double] = []
        for _ in 0..<count {
            let before = host.live()
            took.append(try await host.timed("rollback", "pmo"))
            let live = try #require(host.live())
            try #require(live != before)
            try #require(try await host.get("/id").body == live + "\n")
        }
        return took.sorted()
    }

    private func tell(_ what: String, _ took: [Double]) {
        func shown(_ seconds: Double) -> String { "\(Int((seconds * 1000).rounded())) ms" }
        let p99 = took[min(took.count - 1, Int(Double(took.count) * 0.99))]
        LoadCount.tell("G6", "\(took.count) \(what): p50 \(shown(took[took.count / 2])), p99 \(shown(p99))")
    }

    @Test("G6, F18: a warm rollback works again and again, on a full disk, without receiver and with a ledger of noise")
    func worksWhateverIsLost() async throws {
        let count = LoadCount.of("G6", inTest: 50)
        let disk = geteuid() == 0 ? "size=160m,nr_inodes=4000" : nil
        if disk == nil { LoadCount.tell("G6", "skipped on a full disk: mounting one takes root") }
        try await TestHost.with(disk: disk) { host in
            try await host.deploy(DrainTests.server())
            try host.replace(
                "services:", by: "services:\n  queue: { command: exec sleep 1000 }", in: "pmo-release.yml")
            try await host.deploy(["note": "1\n"])
            try await host.deploy(["note": "2\n"])
            tell("warm rollbacks", try await rollBack(host, count))

            try FileManager.default.moveItem(atPath: host.receiver, toPath: host.receiver + ".away")
            tell("without receiver", try await rollBack(host, 5))
            try FileManager.default.moveItem(atPath: host.receiver + ".away", toPath: host.receiver)

            if disk != nil {
                try await host.fillDisk()
                tell("with no block and no inode left", try await rollBack(host, 10))
                // runsv cannot write what it started and stopped; and it starts nothing twice within a second.
                let isWorking = try await eventually { try await host.pids("queue").count == 1 }
                let shown = try await host.processes()
                #expect(isWorking, "\(shown)")
                let told = try await host.pmo("status", "pmo")
                #expect(!told.err.contains("SQLite") && told.err.contains("no space left on device"), "\(told)")
                #expect(told.out.contains(" is live\n"), "\(told)")
                try await host.run("sh", ["-c", "rm -rf '\(host.home)/.full'"], directory: "/")
            }
            let noise = Data((0..<65_536).map { _ in UInt8.random(in: 0...255) })
            for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
                try noise.write(to: URL(fileURLWithPath: "\(host.home)/pmo/\(name)"))
            }
            tell("with a ledger of noise", try await rollBack(host, 5))
        }
    }
}

extension TestHost {
    /// Takes the last block and the last inode of the home's disk.
    func fillDisk() async throws {
        let script = """
            mkdir '\(home)/.full'; cd '\(home)/.full'
            head -c 1G /dev/zero > blocks 2>/dev/null
            number=0; while true > "$number" 2>/dev/null; do number=$((number + 1)); done
            true > more 2>/dev/null && exit 1
            echo x >> 0 2>/dev/null && exit 1
            exit 0
            """
        let filled = try await run("sh", ["-c", script], directory: "/")
        try #require(filled.status == 0, "\(filled)")
    }
}
