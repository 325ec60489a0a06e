/// How much of a host's processors something may use, in processors: `0.5`, `2`. At least a hundredth, at most 1,024.
public struct ProcessorShare: ValidatedText {
    /// What an error calls it.
    public static let kind = "number of processors"
    /// The text, as it was given.
    public let text: String
    /// The share in hundredths of a processor, 1 to 102,400.
    public let percent: Int

    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let decimals = parts.count == 2 ? parts[1] : "0"
        guard (1...2).contains(parts.count), (1...4).contains(parts[0].utf8.count),
            (1...2).contains(decimals.utf8.count),
            (parts[0] + decimals).utf8.allSatisfy(\.isDigit), let whole = Int(parts[0]),
            let fraction = Int(decimals.count == 1 ? decimals + "0" : decimals),
            (1...102_400).contains(whole * 100 + fraction)
        else { throw InvalidValue(Self.kind, text, "must be processors with up to two decimals, such as 0.5 or 2") }
        self.text = text
        percent = whole * 100 + fraction
    }
}
