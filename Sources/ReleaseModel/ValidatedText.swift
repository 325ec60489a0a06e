/// A text that was checked once, when it was made: equal, ordered, printed and coded as that text.
public protocol ValidatedText: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    /// What the text is called in an error, such as `app name`.
    static var kind: String { get }
    /// The text, as it was given.
    var text: String { get }
    /// Checks the text.
    ///
    /// - Throws: the rule that it breaks.
    init(_ text: String) throws(InvalidValue)
}

extension ValidatedText {
    /// The text itself.
    public var description: String { text }
    /// By bytes, so that an order never depends on a locale.
    public static func < (left: Self, right: Self) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

    /// Reads the text and checks it again: what is on disk may have been edited.
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }
    /// Writes the text alone.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    static func check(
        _ text: String, length: ClosedRange<Int>,
        allows: (_ byte: UInt8, _ first: Bool) -> Bool, orRule rule: () -> String
    ) throws(InvalidValue) {
        guard length.contains(text.utf8.count) else { throw InvalidValue(kind, text, rule()) }
        var first = true
        for byte in text.utf8 {
            guard allows(byte, first) else { throw InvalidValue(kind, text, rule()) }
            first = false
        }
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isLower: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    var isLetter: Bool { isLower || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
    var isLowerOrDigit: Bool { isLower || isDigit }
    var isHexDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self) }
}
