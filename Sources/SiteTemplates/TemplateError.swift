public import ReleaseModel

/// Why a text could not be rendered.
public enum TemplateError: HintedError, Equatable {
    /// Variables that the template uses and nobody set, sorted.
    case missing(template: String, names: [String])
    /// A tag that is not well formed, or that templates may not use.
    case malformed(template: String, line: Int, problem: String)
    /// A value that cannot be written where the template wants it.
    case unfit(what: String, value: String, rule: String)

    /// One sentence; template names and values are shown with control characters escaped.
    public var description: String {
        switch self {
        case .missing(let template, let names):
            let list = names.map { $0.shown(limit: 60) }.joined(separator: ", ")
            return
                "\(template.shown(limit: 120)) uses \(names.count == 1 ? "a variable that is" : "variables that are") not set: \(list)"
        case .malformed(let template, let line, let problem):
            return "\(template.shown(limit: 120)):\(line): \(problem)"
        case .unfit(let what, let value, let rule):
            return "\(what) “\(value.shown(limit: 120))” \(rule)"
        }
    }

    /// How to set what is missing.
    public var hint: String? {
        guard case .missing(_, let names) = self else { return nil }
        let values = names.prefix(3).map { "\($0.shown(limit: 60))=<value>" }.joined(separator: " ")
        return "pmo-release env set <app> \(values)"
    }

    /// A refusal: nothing was done yet.
    public var outcome: ErrorOutcome { .refused }
}
