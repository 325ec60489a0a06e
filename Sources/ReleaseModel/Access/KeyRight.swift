/// What an ssh key may do.
public enum KeyRight: String, Codable, Sendable, CaseIterable {
    /// Push, and fetch what was pushed.
    case push
    /// Ask: lists, logs, states.
    case read
    /// Change what is live: switch, roll back, deploy again, restart.
    case operate

    /// The rights in a list such as `push,read`, each once, in the order of their cases.
    ///
    /// - Throws: for a word that names none, and for no word at all.
    public static func list(_ text: String) throws(InvalidValue) -> [KeyRight] {
        var rights: Set<KeyRight> = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let right = KeyRight(rawValue: String(word)) else {
                throw InvalidValue(
                    "rights", text, "must be some of push, read and operate", hint: "--can push,read")
            }
            rights.insert(right)
        }
        return allCases.filter(rights.contains)
    }
}
