import ArgumentParser
import DeployPipeline
import FailPoints
import ReleaseModel

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Say what is wrong and what repairs it; exit 1 where something is.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Flag(help: "List the places at which PMO_FAIL can kill or fail the program, for tests.") var failPoints = false
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        if failPoints { return try listFailPoints() }
        let findings = try await Doctor(AppHost(opening: home.app(app))).findings()
        if json {
            try Output.json(findings)
        } else {
            for finding in findings {
                Output.line("\(finding.isWell ? "ok" : "!!")  \(finding.what): \(finding.state.shown(limit: 400))")
                if let repair = finding.repair { Output.line("    repair: \(repair)") }
            }
        }
        guard findings.allSatisfy(\.isWell) else { throw ExitCode(1) }
    }

    private func listFailPoints() throws {
        let rows = FailPoint.allCases.map { FailPointRow(name: $0.rawValue, at: $0.sentence) }
        if json { return try Output.json(rows) }
        Output.table(["POINT", "WHERE"], rows.map { [$0.name, $0.at] })
    }
}

private struct FailPointRow: Encodable {
    var name: String
    var at: String
}
