import Yams

/// The YAML text of a manifest as a tree of nodes that know their place.
///
/// What makes a small file cost much is refused (A26): more than 256 KiB, anchors and aliases, mappings deeper than
/// 32 levels, more than 10,000 values, and a key that stands twice.
enum ManifestYAML {
    static let largestFile = 256 << 10
    static let deepestNesting = 32
    static let mostValues = 10_000

    /// Reads one document.
    ///
    /// - Throws: the first problem; what follows a syntax error cannot be told.
    static func read(_ bytes: [UInt8], file: String) throws(ManifestError) -> Node {
        guard bytes.count <= largestFile else {
            throw ManifestError(file: file, problem: "is larger than \(largestFile >> 10) KiB")
        }
        guard let text = String(validating: bytes.strippingByteOrderMark, as: UTF8.self) else {
            throw ManifestError(file: file, line: bytes.lineOfFirstInvalidUTF8, problem: "is not UTF-8 text")
        }
        try refuseBombs(text, file: file)
        return try compose(text, file: file)
    }

    private static func compose(_ text: String, file: String) throws(ManifestError) -> Node {
        do {
            // An anchor lives as long as the parser does.
            let parser = try Parser(yaml: text, encoding: .utf8)
            guard let root = try parser.singleRoot() else { throw ManifestError(file: file, problem: "is empty") }
            if let problem = withExtendedLifetime(parser, { shapeProblem(of: root, depth: 1) }) {
                throw ManifestError(file: file, problems: [problem]) ?? ManifestError(file: file, problem: "")
            }
            return root
        } catch let error as ManifestError {
            throw error
        } catch let error as YamlError {
            throw ManifestError(error, file: file, text: text)
        } catch {
            throw ManifestError(file: file, problem: "is not YAML: \("\(error)".shown(limit: 200))")
        }
    }

    /// Looks for what would cost much while it is parsed: many aliases, hundreds of brackets that do not close,
    /// hundreds of list or key marks in a line, thousands of values. The exact rules are checked on the parsed tree.
    private static func refuseBombs(_ text: String, file: String) throws(ManifestError) {
        var scan = YAMLScan()
        for byte in text.utf8 {
            scan.advance(over: byte)
            if scan.anchors > 0, scan.aliases > 16 {
                throw ManifestError(file: file, line: scan.line, problem: anchorRule)
            }
            if scan.openBrackets > 200 || scan.marksInLine > 200 || scan.indentation > 200 {
                throw ManifestError(file: file, line: scan.line, problem: nestingRule)
            }
            if scan.values > mostValues {
                throw ManifestError(file: file, line: scan.line, problem: "holds more than 10,000 lines and values")
            }
        }
    }

    private static let anchorRule = "anchors and aliases are not accepted; write the value out"
    private static let nestingRule = "is nested deeper than \(deepestNesting) levels"

    private static func shapeProblem(of node: Node, depth: Int) -> ManifestError.Problem? {
        func problem(_ text: String) -> ManifestError.Problem {
            ManifestError.Problem(line: node.mark?.line, column: node.mark?.column, problem: text)
        }
        if node.anchor != nil { return problem(anchorRule) }
        if depth > deepestNesting { return problem(nestingRule) }
        switch node {
        case .alias: return problem(anchorRule)
        case .scalar: return nil
        case .sequence(let items):
            for item in items {
                if let found = shapeProblem(of: item, depth: depth + 1) { return found }
            }
        case .mapping(let pairs):
            for (key, value) in pairs {
                if key.scalar == nil { return problem("a key must be one word") }
                if let found = shapeProblem(of: key, depth: depth) { return found }
                if let found = shapeProblem(of: value, depth: depth + 1) { return found }
            }
        }
        return nil
    }
}

extension [UInt8] {
    fileprivate var strippingByteOrderMark: ArraySlice<UInt8> {
        starts(with: [0xEF, 0xBB, 0xBF]) ? self[3...] : self[...]
    }

    fileprivate var lineOfFirstInvalidUTF8: Int {
        var line = 1
        for part in split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil { return line }
            line += 1
        }
        return line
    }
}
