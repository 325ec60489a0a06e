import Foundation
import Testing

/// A row of `cache list --json`.
struct KeptStep: Decodable {
    let key: String
    let command: String
    let bytes: Int
    let used: Double
}

extension TestHost {
    /// Writes files, commits and pushes them, and requires that they are deployed.
    func deployed(_ files: [String: String], _ options: String...) async throws -> Ended {
        try write(files)
        try await commit("A change")
        let words = ["push"] + options.flatMap { ["-o", $0] } + ["production", "main"]
        let pushed = try await run("git", words, within: .seconds(120))
        try #require(pushed.status == 0, "\(pushed)")
        return pushed
    }

    /// Pushes some changes, and sees that the release is what it is where nothing is reused.
    func expectSame(_ files: [String: String], _ page: String, _ body: String) async throws {
        _ = try await deployed(files)
        let reused = try await get(page).body
        _ = try await deployed([:], "no-cache")
        #expect(try await get(page).body == reused)
        #expect(reused == body)
    }

    /// The build steps whose outputs are kept.
    func keptSteps() async throws -> [KeptStep] {
        let ended = try await pmo("cache", "list", "pmo", "--json")
        return try JSONDecoder().decode([KeptStep].self, from: Data(ended.out.utf8))
    }
}

extension Ended {
    /// The steps of a push that have printed that they ran: `ran first` is `first`.
    var stepsRun: [String] {
        remote.map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0.hasPrefix("ran ") }.map {
            String($0.split(separator: " ")[1])
        }
    }
}
