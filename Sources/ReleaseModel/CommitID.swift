/// The id of a commit: 40 lower-case hexadecimal digits (SHA-1).
public struct CommitID: ValidatedText {
    /// What an error calls it.
    public static let kind = "commit"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        try Self.check(text, length: 40...40) { byte, _ in
            byte.isHexDigit
        } orRule: {
            "must be 40 lower-case hexadecimal digits"
        }
        self.text = text
    }
    /// The first 7 digits, as shown to people.
    public var short: String { String(text.prefix(7)) }
    /// The id that git writes for “no commit”: 40 zeros, in a created or deleted ref.
    public var isZero: Bool { text.utf8.allSatisfy { $0 == UInt8(ascii: "0") } }
}

/// The beginning of a commit's id as a person types it: 4 to 40 hexadecimal digits, case folded, with `.2`
/// behind it for the second build of a commit, and `.1` for the first where there are others.
public struct CommitPrefix: Hashable, Sendable, CustomStringConvertible {
    /// The digits, in lower case.
    public let digits: String
    /// Which build of the commit is meant; nil means the newest.
    public let build: Int?

    /// Reads `4f2c9ab` or `4f2c9ab.2`.
    ///
    /// - Throws: the rule that the text breaks.
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let digits = parts[0].lowercased()
        guard (4...40).contains(digits.utf8.count), digits.utf8.allSatisfy(\.isHexDigit) else {
            throw InvalidValue("commit", text, "must be 4 to 40 hexadecimal digits", hint: "pmo-release list")
        }
        if parts.count == 2 {
            guard let build = Int(parts[1]), build >= 1 else {
                throw InvalidValue("commit", text, "the number after “.” must be 1 or more", hint: "pmo-release list")
            }
            self.build = build
        } else {
            build = nil
        }
        self.digits = digits
    }

    /// As typed, in lower case.
    public var description: String { build.map { "\(digits).\($0)" } ?? digits }

    /// Whether the release is one that the prefix can mean.
    public func matches(_ release: ReleaseID) -> Bool {
        release.commit.text.hasPrefix(digits) && (build == nil || build == release.build)
    }
}
