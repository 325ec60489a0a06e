import Yams

extension ManifestError {
    /// A syntax error of the parser, in our words where they are clearer.
    init(_ error: YamlError, file: String, text: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            self.init(problem, context: context?.text, at: mark, file: file)
        case .duplicatedKeysInMapping(let keys, let context):
            self.init(duplicate: keys.first ?? "", first: context.mark, file: file, text: text)
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { yaml.prefix($0).count { $0.isNewline } + 1 }
            self.init(file: file, line: line, problem: "not YAML: \(problem)")
        default:
            self.init(file: file, problem: "not YAML: \("\(error)".shown(limit: 200))")
        }
    }

    private init(_ problem: String, context: String?, at mark: Mark, file: String) {
        if problem.contains("undefined alias") {
            self.init(
                file: file, line: mark.line, column: mark.column,
                problem: "anchors and aliases are not accepted; write the value out, in quotes if it starts with “*”")
        } else if problem.contains("found another document") {
            self.init(file: file, line: mark.line, problem: "must hold one document; remove the second “---”")
        } else if problem.contains("start any token") {
            self.init(
                file: file, line: mark.line, column: mark.column,
                problem: "not YAML: this character cannot start a value; put quotes around it, and indent with spaces")
        } else {
            let words = [context, problem].compactMap(\.self).joined(separator: ", ")
            self.init(file: file, line: mark.line, column: mark.column, problem: "not YAML: \(words)")
        }
    }

    /// The parser tells where the key stands first; where it stands again is what a person looks for.
    private init(duplicate key: String, first: Mark, file: String, text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let again = lines.indices.dropFirst(first.line).first { index in
            let line = lines[index]
            let indent = line.prefix { $0 == " " }.count
            return indent == first.column - 1 && line.dropFirst(indent).hasPrefix(key)
                && line.dropFirst(indent + key.count).first { $0 != " " } == ":"
        }
        self.init(
            file: file, line: again.map { $0 + 1 } ?? first.line, column: first.column,
            problem: "key “\(key.shown(limit: 60))” stands twice, first in line \(first.line)")
    }
}
