/// What is wrong with the file that describes an app: every problem that was found, at most ten of them shown.
public struct ManifestError: HintedError, Equatable {
    /// One thing that is wrong, and where.
    public struct Problem: Hashable, Sendable {
        /// The line, from 1; nil where it is about the whole file.
        public let line: Int?
        /// The column in characters, from 1.
        public let column: Int?
        /// What is wrong, in one sentence, control characters escaped.
        public let problem: String
        /// What would be right, where it is not in the sentence.
        public let hint: String?

        /// A problem.
        public init(line: Int? = nil, column: Int? = nil, problem: String, hint: String? = nil) {
            self.line = line
            self.column = column
            self.problem = problem
            self.hint = hint
        }
    }

    /// How many problems a description shows.
    public static let shownProblems = 10
    /// The file, relative to the tree's root; empty where the tree has none.
    public let file: String
    /// The problems in the order of the file, never empty.
    public let problems: [Problem]
    private var isForCheck = false

    /// As told to who asked for all of it: every problem is shown, and nothing hints at asking.
    public var asked: Self {
        var whole = self
        whole.isForCheck = true
        return whole
    }

    /// An error of one problem.
    public init(file: String, line: Int? = nil, column: Int? = nil, problem: String, hint: String? = nil) {
        self.file = file
        problems = [Problem(line: line, column: column, problem: problem, hint: hint)]
    }

    /// An error of several problems; nil where there are none.
    init?(file: String, problems: [Problem]) {
        guard !problems.isEmpty else { return nil }
        self.file = file
        self.problems = problems
    }

    /// The first problem's line.
    public var line: Int? { problems.first?.line }
    /// The first problem's column.
    public var column: Int? { problems.first?.column }
    /// The first problem.
    public var problem: String { problems.first?.problem ?? "" }

    /// The first problem's own hint when there is only one, else how to see them all.
    public var hint: String? {
        if problems.count == 1, let hint = problems[0].hint { return hint }
        return file.isEmpty || isForCheck ? nil : "pmo-release check"
    }

    /// `pmo-release.yml:12:5: unknown key “foo”`, a line for each problem.
    public var description: String {
        var lines = problems.prefix(isForCheck ? problems.count : Self.shownProblems).map { problem in
            let place = [file, problem.line.map(String.init), problem.column.map(String.init)].compactMap(\.self)
            let hint = isForCheck && problems.count > 1 ? problem.hint.map { " (\($0))" } ?? "" : ""
            return (file.isEmpty ? problem.problem : "\(place.joined(separator: ":")): \(problem.problem)") + hint
        }
        let more = problems.count - lines.count
        if more > 0 { lines.append("… and \(more) more") }
        return lines.joined(separator: "\n")
    }

    /// A refusal: nothing was done yet.
    public var outcome: ErrorOutcome { .refused }
}
