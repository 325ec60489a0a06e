/// How long something may take, as written in a manifest or an option: a whole number with `ms`, `s`, `m`, `h` or `d`,
/// such as `30s` or `10m`; at least 0, at most 30 days.
public struct TimeLimit: ValidatedText {
    /// What an error calls it.
    public static let kind = "time"
    /// The text, as it was given.
    public let text: String
    /// The length in milliseconds, 0 to 2,592,000,000.
    public let milliseconds: Int

    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            let digits = text.dropLast(suffix.count)
            guard !digits.isEmpty, digits.utf8.count <= 9, digits.utf8.allSatisfy(\.isDigit), let number = Int(digits),
                number * factor <= 30 * 86_400_000
            else { break }
            self.text = text
            milliseconds = number * factor
            return
        }
        throw InvalidValue(Self.kind, text, "must be a whole number with ms, s, m, h or d, such as 30s")
    }

    /// A limit of whole seconds.
    public init(seconds: Int) {
        precondition((0...2_592_000).contains(seconds))
        text = "\(seconds)s"
        milliseconds = seconds * 1000
    }

    /// The length as a `Duration`.
    public var duration: Duration { .milliseconds(milliseconds) }
    /// The length in seconds.
    public var seconds: Double { Double(milliseconds) / 1000 }
}

/// A size in bytes as written in a manifest: a whole number with `K`, `M`, `G` (powers of 1,024) or nothing, at least 1,
/// at most 1 TiB.
public struct ByteSize: ValidatedText {
    /// What an error calls it.
    public static let kind = "size"
    /// The text, as it was given.
    public let text: String
    /// The size in bytes.
    public let bytes: Int

    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let factors: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let factor = text.last.flatMap { factors[$0] }
        let digits = factor == nil ? text[...] : text.dropLast()
        guard !digits.isEmpty, digits.utf8.count <= 13, digits.utf8.allSatisfy(\.isDigit), let number = Int(digits),
            number >= 1, number <= (1 << 40) / (factor ?? 1)
        else { throw InvalidValue(Self.kind, text, "must be a whole number from 1 on with K, M or G, such as 512M") }
        self.text = text
        bytes = number * (factor ?? 1)
    }

    /// A size of whole MiB, 1 to 1,048,576.
    public init(mebibytes: Int) {
        precondition((1...1 << 20).contains(mebibytes))
        text = "\(mebibytes)M"
        bytes = mebibytes << 20
    }
}

/// A share of a whole as written in an option: a whole number from 0 to 100, with `%` or without, such as `20%`.
public struct Percentage: ValidatedText {
    /// What an error calls it.
    public static let kind = "share"
    /// The text, as it was given.
    public let text: String
    /// The share, 0 to 100.
    public let percent: Int

    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let digits = text.hasSuffix("%") ? text.dropLast() : text[...]
        guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy(\.isDigit),
            let number = Int(digits), number <= 100
        else { throw InvalidValue(Self.kind, text, "must be a whole number from 0 to 100, such as 20%") }
        self.text = "\(number)%"
        percent = number
    }

    /// A share of 0 to 100.
    public init(percent: Int) {
        precondition((0...100).contains(percent))
        text = "\(percent)%"
        self.percent = percent
    }
}

extension Int {
    /// A count of bytes as people read it, in powers of 1,000: `812 B`, `14.2 MB`.
    public var shownAsBytes: String {
        guard self >= 1000 else { return "\(self) B" }
        var value = Double(self)
        for unit in ["kB", "MB", "GB"] {
            value /= 1000
            if value < 1000 || unit == "GB" { return "\(value.shown(decimals: value < 100 ? 1 : 0)) \(unit)" }
        }
        return "\(self) B"
    }

    /// The number with a comma between each three digits.
    public var shownWithCommas: String {
        var result = ""
        for (index, digit) in String(magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return (self < 0 ? "-" : "") + String(result.reversed())
    }

    /// The number and what is counted, in the singular or with an “s”: `1 file`, `1,809 files`.
    public func counted(_ noun: String) -> String { "\(shownWithCommas) \(noun)\(self == 1 ? "" : "s")" }
}

extension Double {
    /// The number rounded to some decimals, without Foundation's formatter.
    public func shown(decimals: Int) -> String {
        var factor = 1.0
        for _ in 0..<decimals { factor *= 10 }
        let scaled = Int((magnitude * factor).rounded())
        let sign = self < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % Int(factor))
        return "\(sign)\(scaled / Int(factor)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
    }
}

extension Duration {
    /// The length in seconds.
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
    /// `0.4 ms` under 10 ms, `0.04 s` else; what takes less than the last digit is no zero.
    public var shown: String {
        if inSeconds > 0, inSeconds < 0.000_05 { return "< 0.1 ms" }
        return inSeconds < 0.01
            ? "\((inSeconds * 1000).shown(decimals: 1)) ms" : "\(inSeconds.shown(decimals: inSeconds < 1 ? 2 : 1)) s"
    }
}
