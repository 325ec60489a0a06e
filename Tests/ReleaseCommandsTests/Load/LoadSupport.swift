import Foundation
import Glibc
import Testing

/// How much a load test does: what fits into `make test`, or what `tools/soak` asks for.
enum LoadCount {
    static func of(_ goal: String, inTest count: Int) -> Int {
        ProcessInfo.processInfo.environment["PMO_COUNT_\(goal)"].flatMap { Int($0) } ?? count
    }

    /// Told in a line that can be found again; what was skipped as well.
    static func tell(_ goal: String, _ seen: String) { print("\(goal): \(seen)") }
}

/// Numbers that look random and are the same for the same seed (SplitMix64, Steele, Lea and Flood 2014).
struct SeededNumbers: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    /// The seed is PMO_SEED's, or another one each time.
    init() {
        seed = ProcessInfo.processInfo.environment["PMO_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// What is live from when to when, by CLOCK_MONOTONIC, as Python's `time.monotonic` has it.
struct SwitchSchedule {
    struct Entry {
        let version: String
        /// Before the command that switched was started.
        let begun: Double
        /// After it had returned.
        let done: Double
    }
    var entries: [Entry] = []

    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    mutating func add(_ version: String, begun: Double) {
        entries.append(Entry(version: version, begun: begun, done: Self.now))
    }

    /// Where the replies that one thread got do not fit: a version before its time, after its time, or out of turn.
    func violations(in runs: [LoadReplies.Run]) -> [String] {
        var position = 0
        var found: [String] = []
        for run in runs {
            let fitting = entries.indices.dropFirst(position).first { index in
                let next = index + 1 < entries.count ? entries[index + 1].done : .infinity
                return entries[index].version == run.version && entries[index].begun <= run.came && run.asked <= next
            }
            if let fitting {
                position = fitting
            } else {
                found.append("\(run.version.prefix(7)) from \(run.came) to \(run.asked) after entry \(position)")
            }
        }
        return found
    }
}

/// What `tools/load_client.py requests` prints.
struct LoadReplies: Decodable {
    struct Run: Decodable {
        let version: String
        /// When the first reply of the run had come, and when its last one was asked for.
        let came: Double
        let asked: Double
    }
    let replies: Int
    let errorCount: Int
    let errors: [String]
    let runs: [[Run]]
}

/// What `tools/load_client.py websocket` prints.
struct LoadEchoes: Decodable {
    let echoes: Int
    let error: String?
}

/// A load client under way; it ends when it is told to.
struct LoadClient<Seen: Decodable> {
    private let process: Subprocess
    private let until: String

    init(_ host: TestHost, _ kind: String, _ more: String...) throws {
        until = "\(host.root)/until-\(UUID().uuidString)"
        process = try host.start(
            "python3",
            ["\(Programs.package)/tools/load_client.py", kind, "\(host.port)", host.domain] + more + [until],
            directory: "/")
    }

    var said: String { process.said }

    /// Whether its first error has been told, which it does on standard error.
    var hasFailed: Bool { process.said.contains("error: ") }

    func end() async throws -> Seen {
        try Data().write(to: URL(fileURLWithPath: until))
        let ended = try await process.ended(within: .seconds(3600))
        try #require(ended.status == 0, "\(ended)")
        return try JSONDecoder().decode(Seen.self, from: Data(ended.out.utf8))
    }
}

extension TestHost {
    /// Runs a command that must work, and answers how many seconds it took.
    @discardableResult
    func timed(_ words: String...) async throws -> Double {
        let begun = SwitchSchedule.now
        let ended = try await run("pmo-release", words)
        try #require(ended.status == 0, "\(ended)")
        return SwitchSchedule.now - begun
    }
}
