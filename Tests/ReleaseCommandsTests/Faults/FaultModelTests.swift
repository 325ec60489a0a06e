import Foundation
import Testing

@Suite("Operations in any order leave what a simple model says", .serialized, .timeLimit(.minutes(58)))
struct FaultModelTests {
    @Test("G15: after each of many random operations, one in three beside another")
    func interleavings() async throws { try await walk("G15", FaultCount.of("PMO_COUNT_G15", 30), clocks: [0]) }

    @Test("G16, F38: though the clock of each is right, ten years ahead or ten years behind")
    func wrongClocks() async throws {
        let years = 10 * 365 * 86400
        try await walk("G16", FaultCount.of("PMO_COUNT_G16", 20), clocks: [-years, 0, years])
    }

    private func walk(_ goal: String, _ steps: Int, clocks: [Int]) async throws {
        let dice = SeededNumbers()
        print("\(goal): seed \(dice.seed), \(steps) steps")
        try await TestHost.with { host in
            var walk = ModelWalk(host, dice, clocks)
            try await walk.begin()
            for step in 1...steps {
                if step.isMultiple(of: 3) { try await walk.two() } else { try await walk.one() }
                try #require(await walk.isAsItShould(), "seed \(dice.seed), step \(step): \(walk.account)")
            }
            try await host.expectWhole()
            print("\(goal): \(walk.done) operations, clocks wrong by \(walk.shifts.sorted()) seconds")
        }
    }
}

/// Walks a host and its model side by side.
private struct ModelWalk {
    private let host: TestHost
    private var random: SeededNumbers
    /// By how many seconds the clock of an operation may be wrong.
    private let clocks: [Int]
    /// What was taken of them.
    private(set) var shifts: Set<Int> = []
    /// What may be; one, but for operations side by side.
    private var models = [HostModel(keep: 3)]
    /// The commits that were pushed, with their page.
    private var pushed: [(commit: String, text: String)] = []
    private var number = 0
    private(set) var done = 0
    private var told: [String] = []

    init(_ host: TestHost, _ dice: SeededNumbers, _ clocks: [Int]) {
        self.host = host
        self.clocks = clocks
        random = dice
    }

    /// The first release: without one nothing can be switched.
    mutating func begin() async throws {
        try await run([try await push()])
    }

    mutating func one() async throws { try await run([try await next()]) }

    /// Two at once: whichever comes first, what they leave is what one order of them leaves. Two pushes at once are
    /// another matter (G9).
    mutating func two() async throws {
        try await run([try await push(), quiet()])
    }

    /// Whether the disk is as one of the models has it, which is the only one from then on.
    mutating func isAsItShould() async throws -> Bool {
        let host = host
        guard try await eventually({ host.workers().isEmpty }) else { return false }
        let names = Set(host.releases())
        let (live, previous) = (host.live(), host.link("previous"))
        let page = try await host.get("/").body
        models = models.filter { model in
            Set(model.releases.map(\.name)) == names && model.current == live && model.previous == previous
                && model.text.map { $0 + "\n" } == page
        }
        return !models.isEmpty
    }

    /// For a failure: the last operations, and what there is.
    var account: String {
        "\(told.suffix(8).joined(separator: "; ")); live \(host.live() ?? "-"), previous \(host.link("previous") ?? "-"), releases \(host.releases())"
    }

    private mutating func run(_ operations: [HostModel.Operation]) async throws {
        // All are begun before the end of any is waited for.
        let begun = try operations.map { operation in
            let shift = clocks.randomElement(using: &random) ?? 0
            shifts.insert(shift)
            return try host.begin(operation, clock: shift)
        }
        var outcomes: [Ended] = []
        for program in begun { outcomes.append(try await program.ended(within: .seconds(180))) }
        done += operations.count
        told.append(operations.map(\.description).joined(separator: " | "))
        // Every order in which they can have happened, with the answers that it gives.
        let orders = operations.count == 1 ? [[0]] : [[0, 1], [1, 0]]
        var possible: [HostModel] = []
        for model in models {
            for order in orders {
                var after = model
                let isSo = order.allSatisfy { after.apply(operations[$0]) == (outcomes[$0].status == 0) }
                // Where the order makes no difference, two of the same would be four after the next.
                if isSo, !possible.contains(after) { possible.append(after) }
            }
        }
        models = possible
        let answers = outcomes.map(\.description).joined(separator: "\n")
        try #require(!models.isEmpty, "no order of the operations answers like this: \(account)\n\(answers)")
    }

    private mutating func next() async throws -> HostModel.Operation {
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<3: return try await push()
        case 3: return try await pushBroken()
        case 4..<6:
            // Not the live one, whose deploy is not begun again.
            let live = host.live().map { String($0.prefix(40)) }
            let others = pushed.filter { $0.commit != live }
            guard let old = others.randomElement(using: &random) else { return try await push() }
            return .deploy(commit: old.commit, text: old.text)
        default: return quiet()
        }
    }

    private mutating func quiet() -> HostModel.Operation {
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<4: .switchTo(name: models[0].releases.randomElement(using: &random)?.name ?? "")
        case 4..<7: .rollback
        default: .prune(keep: Int.random(in: 1...4, using: &random))
        }
    }

    private mutating func push() async throws -> HostModel.Operation {
        number += 1
        let text = "page \(number)"
        try host.write([
            "index.html": text + "\n", "pmo-release.yml": "keep: 3\nsites: { pmo.localhost: { root: . } }\n",
        ])
        let commit = try await host.commit(text)
        pushed.append((commit, text))
        return .push(commit: commit, text: text)
    }

    private mutating func pushBroken() async throws -> HostModel.Operation {
        try host.write(["pmo-release.yml": "build: [{ run: exit 7 }]\nsites: { pmo.localhost: { root: . } }\n"])
        return .pushBroken(commit: try await host.commit("Broken"))
    }
}

extension TestHost {
    fileprivate func begin(_ operation: HostModel.Operation, clock: Int) throws -> Subprocess {
        let command =
            switch operation {
            case .push, .pushBroken: ["git", "push", "production", "main"]
            case .deploy(let commit, _): ["pmo-release", "deploy", app, commit]
            // A commit alone is its newest build.
            case .switchTo(let name): ["pmo-release", "switch", app, name.contains(".") ? name : name + ".1"]
            case .rollback: ["pmo-release", "rollback", app]
            case .prune(let keep): ["pmo-release", "prune", app, "--keep", "\(keep)"]
            }
        return try start(
            command[0], Array(command.dropFirst()), environment: clock == 0 ? [:] : ["PMO_FAIL": "clock:\(clock)"])
    }

    /// What a link of the app leads to, its last part.
    fileprivate func link(_ name: String) -> String? {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(home)/\(app)/\(name)"))?.split(separator: "/")
            .last.map(String.init)
    }
}
