extension StringProtocol {
    /// The text with everything that could move a cursor or change what a reader sees made visible:
    /// control characters as `\xNN` or `\u{NNNN}`, and the same for bidirectional and invisible
    /// formatting characters (Unicode general categories Cc, Cf, Zl, Zp, Cs, Co). A tab becomes a space.
    ///
    /// - Parameter limit: how many characters at most; a longer text ends in `…`.
    public func shown(limit: Int = .max) -> String {
        var result = ""
        var count = 0
        for scalar in unicodeScalars {
            guard count < limit else { return result + "…" }
            count += 1
            switch scalar.properties.generalCategory {
            case _ where scalar == "\t":
                result.unicodeScalars.append(" ")
            case .control where scalar.value < 0x100:
                result += "\\x" + hexadecimal(scalar.value, width: 2)
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
                result += "\\u{" + hexadecimal(scalar.value, width: 4) + "}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

private func hexadecimal(_ value: UInt32, width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
