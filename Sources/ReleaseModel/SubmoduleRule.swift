/// What becomes of a submodule, whose files are in a repository of their own and not part of a push.
public enum SubmoduleRule: String, Codable, Sendable, CaseIterable {
    /// A push that has one is refused.
    case refuse
    /// It is an empty directory, as git leaves one that was not initialised. Nothing is fetched.
    case empty

    /// Reads a rule by its name.
    public init(_ text: String) throws(InvalidValue) {
        guard let rule = SubmoduleRule(rawValue: text) else {
            let names = Self.allCases.map(\.rawValue).joined(separator: " or ")
            throw InvalidValue("rule for submodules", text, "must be \(names)", hint: "--submodules refuse")
        }
        self = rule
    }
}
