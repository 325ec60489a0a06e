import ReleaseModel

/// Reads `.env` files: `KEY=value`, an optional `export`, comments, single quotes (raw) and double quotes
/// (`\n`, `\r`, `\t`, `\"`, `\\`, `\$`), values over several lines inside quotes. No variable is expanded.
enum DotenvFile {
    static func parse(_ text: String, name: String) throws -> [EnvironmentKey: String] {
        var result: [EnvironmentKey: String] = [:]
        var reader = Reader(Array(text.replacing("\r\n", with: "\n").unicodeScalars), name)
        while let (key, value) = try reader.next() { result[key] = value }
        return result
    }

    private struct Reader {
        let scalars: [UnicodeScalar]
        let name: String
        var position = 0
        var line = 1

        init(_ scalars: [UnicodeScalar], _ name: String) {
            self.scalars = scalars
            self.name = name
        }

        mutating func next() throws -> (EnvironmentKey, String)? {
            while true {
                skipSpace(newlines: true)
                guard position < scalars.count else { return nil }
                guard scalars[position] == "#" else { break }
                _ = restOfLine()
            }
            let begun = line
            var word = take { $0 != "=" && $0 != "\n" }
            if word.hasPrefix("export ") { word.removeFirst(7) }
            guard position < scalars.count, scalars[position] == "=" else {
                throw malformed(begun, "a line without “=”")
            }
            position += 1
            do {
                return (try EnvironmentKey(word.trimmed), try value())
            } catch let error as InvalidValue {
                throw malformed(begun, error.description)
            }
        }

        private mutating func value() throws -> String {
            let begun = position
            skipSpace(newlines: false)
            guard position < scalars.count else { return "" }
            let quote = scalars[position]
            if quote == "\"" || quote == "'" { return try quoted(by: quote) }
            // The space before a “#” makes it a comment, also where no value stands before it.
            position = begun
            let text = restOfLine()
            let comments = [" #", "\t#"].compactMap { text.firstRange(of: $0)?.lowerBound }
            return String(text[..<(comments.min() ?? text.endIndex)]).trimmed
        }

        private mutating func quoted(by quote: UnicodeScalar) throws -> String {
            let begun = line
            position += 1
            var result = String.UnicodeScalarView()
            while position < scalars.count, scalars[position] != quote {
                var scalar = scalars[position]
                if scalar == "\n" { line += 1 }
                if quote == "\"", scalar == "\\", position + 1 < scalars.count {
                    position += 1
                    if scalars[position] == "\n" { line += 1 }
                    scalar = unescaped(scalars[position], into: &result)
                }
                result.append(scalar)
                position += 1
            }
            guard position < scalars.count else { throw malformed(begun, "a quote that is not closed") }
            position += 1
            let rest = restOfLine()
            guard rest.allSatisfy({ $0 == " " || $0 == "\t" }) || rest.drop(while: { $0 == " " }).hasPrefix("#") else {
                throw malformed(line, "text behind the closing quote")
            }
            return String(result)
        }

        private func unescaped(_ scalar: UnicodeScalar, into result: inout String.UnicodeScalarView) -> UnicodeScalar {
            switch scalar {
            case "n": return "\n"
            case "r": return "\r"
            case "t": return "\t"
            case "\"", "\\", "$": return scalar
            default:
                result.append("\\")
                return scalar
            }
        }

        private mutating func skipSpace(newlines: Bool) {
            while position < scalars.count {
                switch scalars[position] {
                case " ", "\t": break
                case "\n" where newlines: line += 1
                default: return
                }
                position += 1
            }
        }

        private mutating func take(while condition: (UnicodeScalar) -> Bool) -> String {
            var result = String.UnicodeScalarView()
            while position < scalars.count, condition(scalars[position]) {
                result.append(scalars[position])
                position += 1
            }
            return String(result)
        }

        private mutating func restOfLine() -> String { take { $0 != "\n" } }

        private func malformed(_ line: Int, _ problem: String) -> EnvironmentError {
            .malformed(file: name, line: line, problem: problem)
        }
    }
}

extension String {
    /// The text without spaces and tabs around it.
    fileprivate var trimmed: String {
        var rest = self[...]
        while rest.hasPrefix(" ") || rest.hasPrefix("\t") { rest.removeFirst() }
        while rest.hasSuffix(" ") || rest.hasSuffix("\t") { rest.removeLast() }
        return String(rest)
    }
}
