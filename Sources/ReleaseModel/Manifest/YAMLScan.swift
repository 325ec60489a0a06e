/// Counts, byte by byte and without parsing, what makes a YAML text costly. Quotes are not looked at, so that the
/// counts are never too low.
struct YAMLScan {
    private(set) var line = 1
    /// `&` and `*` with a name behind them.
    private(set) var anchors = 0
    private(set) var aliases = 0
    /// `[` and `{` that are not closed.
    private(set) var openBrackets = 0
    /// `-` and `?` with a blank behind them, in this line.
    private(set) var marksInLine = 0
    /// The blanks with which the line begins.
    private(set) var indentation = 0
    /// Lines, and values between brackets.
    private(set) var values = 1
    private var isIndenting = true
    private var previous: UInt8 = 0

    mutating func advance(over byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\n"):
            line += 1
            values += 1
            marksInLine = 0
            indentation = 0
            isIndenting = true
        case UInt8(ascii: " "):
            if isIndenting { indentation += 1 }
            if previous == UInt8(ascii: "-") || previous == UInt8(ascii: "?") { marksInLine += 1 }
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            openBrackets += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            openBrackets = max(0, openBrackets - 1)
        case UInt8(ascii: ","):
            values += 1
        default:
            if byte.isNameByte, previous == UInt8(ascii: "&") { anchors += 1 }
            if byte.isNameByte, previous == UInt8(ascii: "*") { aliases += 1 }
        }
        if byte != UInt8(ascii: " "), byte != UInt8(ascii: "\n") { isIndenting = false }
        previous = byte
    }
}

extension UInt8 {
    /// Whether an anchor's name can begin so.
    fileprivate var isNameByte: Bool {
        isLetter || isDigit || self == UInt8(ascii: "_") || self == UInt8(ascii: "-") || self >= 0x80
    }
}
