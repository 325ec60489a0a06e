/// The last day on which something holds, as `2027-01-31`: to the end of that day, UTC. Years 2000 to 2999.
public struct ExpiryDate: ValidatedText {
    /// What an error calls it.
    public static let kind = "date"
    /// The text, as it was given.
    public let text: String
    /// The first moment after the day, in seconds since 1970.
    public let end: Double

    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in part.allSatisfy(\.isDigit) ? Int(Substring(part)) : nil }
        guard parts.map(\.count) == [4, 2, 2], numbers.count == 3, (2000...2999).contains(numbers[0]),
            (1...12).contains(numbers[1]), (1...Self.days(in: numbers[1], of: numbers[0])).contains(numbers[2])
        else { throw InvalidValue(Self.kind, text, "must be a day such as 2027-01-31", hint: "--expires 2027-01-31") }
        self.text = text
        end = Double(Self.daysSince1970(numbers[0], numbers[1], numbers[2]) + 1) * 86_400
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func days(in month: Int, of year: Int) -> Int {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let years = (1970..<year).reduce(0) { $0 + (isLeap($1) ? 366 : 365) }
        let months = (1..<month).reduce(0) { $0 + days(in: $1, of: year) }
        return years + months + day - 1
    }
}
