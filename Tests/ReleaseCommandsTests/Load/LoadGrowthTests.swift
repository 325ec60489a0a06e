import Foundation
import Glibc
import Testing

@Suite("Load: growth", .serialized, .timeLimit(.minutes(58)))
struct LoadGrowthTests {
    /// What a host holds between two deploys.
    private struct Held {
        /// Processes by name, and what they hold together.
        var processes: [String: Int] = [:]
        var descriptors = 0
        var kibibytes = 0
        /// Files and directories of the home by where they lie.
        var files: [String: Int] = [:]
    }

    /// One set for each deploy, by design: its logs, its intent, its reference, and git's objects of its commit.
    private static let perDeploy = [
        "pmo/logs/deploys", "pmo/deploys", "pmo/repo.git/refs/pmo/deploys", "pmo/repo.git/objects",
    ]

    @Test("G18: deploys leave processes, descriptors, memory and files as they were")
    func isFlat() async throws {
        let count = LoadCount.of("G18", inTest: 30)
        // Long enough for a slot to be used again, short enough for no more than three to be warm.
        try await TestHost.with(warm: "10m") { host in
            var files = DrainTests.server()
            // A watch is there for 30 s, with the ledger open: whether one is, is no matter of growth.
            files["pmo-release.yml"] = (files["pmo-release.yml"] ?? "") + "\nkeep: 2\nbake: 0s\n"
            try await host.deploy(files)
            func deploy(_ times: Int) async throws {
                for _ in 0..<times {
                    try host.write(["note": UUID().uuidString])
                    try await host.commit("Next")
                    let pushed = try await host.push()
                    try #require(pushed.status == 0, "\(pushed)")
                }
                #expect(try await eventually { host.workers().isEmpty && host.pushers().isEmpty })
            }
            // Until all slots have been used and the first releases were pruned.
            try await deploy(min(6, count / 3))
            let before = try held(host)
            let rest = count - min(6, count / 3) - 1
            try await deploy(rest)
            let after = try held(host)
            LoadCount.tell(
                "G18",
                "\(count) deploys: \(before.descriptors) -> \(after.descriptors) descriptors, "
                    + "\(before.kibibytes) -> \(after.kibibytes) KiB resident, "
                    + "\(total(before)) -> \(total(after)) files, of a deploy \(perDeploy(before, after, rest)) on purpose"
            )
            #expect(after.processes == before.processes)
            #expect(after.descriptors == before.descriptors)
            // Three node servers and nginx; what a runtime has mapped in differs from start to start.
            #expect(after.kibibytes < before.kibibytes * 5 / 4, "\(before.kibibytes) -> \(after.kibibytes)")
            for place in Set(before.files.keys).union(after.files.keys).sorted() where !Self.isPerDeploy(place) {
                #expect(after.files[place, default: 0] == before.files[place, default: 0], "\(place)")
            }
            #expect(perDeploy(before, after, rest) < 12)
        }
    }

    /// A commit, or a slot: which of the three has what is another question.
    private static func isOneOfMany(_ name: Substring) -> Bool { name.count == 40 || ["1", "2", "3"].contains(name) }

    private static func isPerDeploy(_ place: String) -> Bool { perDeploy.contains { place.hasPrefix($0) } }

    private func total(_ held: Held) -> Int {
        held.files.filter { !Self.isPerDeploy($0.key) }.values.reduce(0, +)
    }

    private func perDeploy(_ before: Held, _ after: Held, _ count: Int) -> Int {
        func sum(_ held: Held) -> Int { held.files.filter { Self.isPerDeploy($0.key) }.values.reduce(0, +) }
        return (sum(after) - sum(before)) / max(1, count)
    }

    private func held(_ host: TestHost) throws -> Held {
        var held = Held()
        for process in RunningProcess.all() where process.mentions(host.root + "/") {
            let name = process.arguments[0].split(separator: "/").last.map(String.init) ?? ""
            held.processes[name, default: 0] += 1
            held.descriptors += host.names("/proc/\(process.pid)/fd").count
            let status = host.text("/proc/\(process.pid)/status") ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
            held.kibibytes += line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        }
        let all = FileManager.default.enumerator(atPath: host.home)
        while let path = all?.nextObject() as? String {
            // git's one file for the references of many deploys.
            if path.hasSuffix("repo.git/packed-refs") { continue }
            let place = path.split(separator: "/").dropLast().map { Self.isOneOfMany($0) ? "*" : String($0) }
            held.files[place.joined(separator: "/"), default: 0] += 1
        }
        return held
    }
}
