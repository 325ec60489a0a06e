import FoundationEssentials
import Glibc
import ReleaseModel

/// The one place that writes: data to standard output, everything else to standard error.
enum Output {
    /// A line of data.
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// A line of progress.
    static func progress(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// `pmo-release: error: …` and `hint: …`.
    static func error(_ error: any HintedError) {
        progress("pmo-release: error: \(error.description)")
        if let hint = error.hint { progress("hint: \(hint)") }
    }

    /// Values as JSON, keys in order, in snake case.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        line(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Columns as wide as their longest cell, two spaces between; the last one is not padded.
    static func table(_ header: [String], _ rows: [[String]]) {
        guard !rows.isEmpty else { return }
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        for row in [header] + rows {
            var text = ""
            for (column, cell) in row.enumerated() {
                text +=
                    column == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            while text.hasSuffix(" ") { text.removeLast() }
            line(text)
        }
    }

    /// Writes all of a text; stops quietly when nobody reads any more.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                guard errno == EINTR else { return false }
                continue
            }
            bytes = bytes.dropFirst(count)
        }
        return true
    }
}
