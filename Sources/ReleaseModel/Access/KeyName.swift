/// An ssh key's name, by which the ledger knows who was at work: 1 to 64 letters, digits and `-._@`, starting with a
/// letter or digit. It stands in a line of `authorized_keys`, so nothing that could leave its place is in it (A32).
public struct KeyName: ValidatedText {
    /// What an error calls it.
    public static let kind = "key name"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        try Self.check(text, length: 1...64) { byte, first in
            byte.isLetter || byte.isDigit || (!first && "-._@".utf8.contains(byte))
        } orRule: {
            "must be 1 to 64 letters, digits and “-._@”"
        }
        self.text = text
    }
}
