/// An error that a person reads: one sentence, and a command that helps.
///
/// The sentence is lower case without a full stop; it is shown as `pmo-release: error: <description>`,
/// the hint as `hint: <hint>`.
public protocol HintedError: Error, CustomStringConvertible {
    /// A command or change that works from here, where there is one.
    var hint: String? { get }
    /// How the process ends when nothing handles the error.
    var outcome: ErrorOutcome { get }
}

/// What an error means to the caller of a command.
public enum ErrorOutcome: Int32, Sendable {
    /// It was tried and did not work (exit status 1).
    case failed = 1
    /// It was refused before anything changed (exit status 3).
    case refused = 3
    /// The call's own words are wrong (exit status 64, `EX_USAGE` of sysexits.h).
    case usage = 64
}

extension HintedError {
    /// No hint, unless a type has one.
    public var hint: String? { nil }
    /// Failed, unless a type says otherwise.
    public var outcome: ErrorOutcome { .failed }
}
