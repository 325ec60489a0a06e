/// A text that does not name what it should: which one, why, and what would be right.
public struct InvalidValue: HintedError, Equatable {
    /// What the text should have been, such as `app name`.
    public let kind: String
    /// The text as given, unescaped.
    public let value: String
    /// The rule that it breaks, as the end of a sentence: `must start with a letter`.
    public let rule: String
    /// A value or command that would be right.
    public let hint: String?

    /// Describes a refused value.
    public init(_ kind: String, _ value: String, _ rule: String, hint: String? = nil) {
        self.kind = kind
        self.value = value
        self.rule = rule
        self.hint = hint
    }

    /// `app name “Foo”: must be lower case`, the value escaped and shortened to 60 characters.
    public var description: String {
        "\(kind) “\(value.shown(limit: 60))”: \(rule)"
    }

    /// A refusal: nothing was done yet.
    public var outcome: ErrorOutcome { .refused }
}
