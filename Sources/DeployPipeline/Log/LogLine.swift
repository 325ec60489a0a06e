/// The shapes of a deploy log's lines; pure text.
public enum LogLine {
    /// The column at which the right-hand side ends: 72 less git's `remote: `.
    public static let width = 64

    static func headline(_ left: String, right: String) -> String { aligned("-----> " + left, right) }

    static func step(_ title: String, _ detail: String, right: String?) -> String {
        aligned("-----> " + title.padded(to: 9) + detail, right)
    }

    static func below(_ line: String, right: String? = nil) -> String { aligned("       " + line, right) }

    static func live(_ left: String, right: String) -> String { aligned("=====> " + left, right) }

    static func failure(_ message: String) -> String { " !     " + message }

    /// The right-hand side ends at `width`, or stands behind two spaces where the left is too long.
    static func aligned(_ left: String, _ right: String?) -> String {
        guard let right else { return left }
        let room = width - left.count - right.count
        return left + String(repeating: " ", count: max(2, room)) + right
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
