/// Where in a `.env` file the text stands: between which quotes, and whether a value could begin.
struct DotenvPosition {
    enum Quote { case none, single, double, comment }

    private(set) var quote = Quote.none
    /// Whether nothing but `=` (or `:`, as in other files) and white space stands before, so that quotes may open.
    private(set) var beginsValue = true
    private var isEscaped = false
    private var isAfterSpace = true

    /// Goes over text of the template.
    mutating func advance(over text: String) {
        for scalar in text.unicodeScalars { advance(over: scalar) }
    }

    /// Goes over a value that was put in.
    mutating func advanceOverValue() {
        beginsValue = false
        isEscaped = false
        isAfterSpace = false
    }

    private mutating func advance(over scalar: Unicode.Scalar) {
        switch quote {
        case .double:
            if scalar == "\"", !isEscaped { quote = .none }
            isEscaped = scalar == "\\" && !isEscaped
        case .single:
            if scalar == "'" { quote = .none }
        case .comment:
            if scalar == "\n" { beginLine() }
        case .none:
            advanceOutsideQuotes(over: scalar)
        }
    }

    private mutating func advanceOutsideQuotes(over scalar: Unicode.Scalar) {
        switch scalar {
        case "\n": beginLine()
        case " ", "\t", "\r": isAfterSpace = true
        case "#" where isAfterSpace: quote = .comment
        case "\"" where beginsValue: quote = .double
        case "'" where beginsValue: quote = .single
        default:
            beginsValue = "=:,;([{".unicodeScalars.contains(scalar)
            isAfterSpace = false
        }
        if quote != .none {
            beginsValue = false
            isEscaped = false
            isAfterSpace = false
        }
    }

    private mutating func beginLine() {
        quote = .none
        beginsValue = true
        isAfterSpace = true
    }
}
