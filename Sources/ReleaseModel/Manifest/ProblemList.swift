import Yams

/// The problems found so far while a manifest is read, each once.
final class ProblemList {
    private(set) var problems: [ManifestError.Problem] = []
    private var seen: Set<ManifestError.Problem> = []
    /// Which environment's merged manifest is being read; told in what is found there and not in the base.
    var environment: String?

    func add(_ problem: String, at node: Node?, hint: String? = nil) {
        let found = ManifestError.Problem(
            line: node?.mark?.line, column: node?.mark?.column, problem: problem, hint: hint)
        guard seen.insert(found).inserted else { return }
        guard let environment else { return problems.append(found) }
        problems.append(
            ManifestError.Problem(
                line: found.line, column: found.column, problem: "\(problem) (environment \(environment))", hint: hint))
    }

    /// All of them, in the order of the file.
    var inOrder: [ManifestError.Problem] {
        problems.enumerated().sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }.map(
            \.element)
    }
}
