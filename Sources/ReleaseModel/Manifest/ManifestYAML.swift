import Yams

/// The YAML text of a manifest as a tree of nodes that know their place.
///
/// What makes a small file cost much is refused (A26): more than 256 KiB, anchors and aliases, mappings deeper than
/// 32 levels, and a key that stands twice.
enum ManifestYAML {
    static let largestFile = 256 << 10
    static let deepestNesting = 32

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

    /// Looks for what could blow up while it is parsed. Only a file that has an anchor and many aliases, or hundreds
    /// of brackets that do not close, is refused here; the exact rules are checked on the parsed tree.
    private static func refuseBombs(_ text: String, file: String) throws(ManifestError) {
        var line = 1
        var previous: UInt8 = 0
        var anchors = 0
        var aliases = 0
        var open = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"): line += 1
            case UInt8(ascii: "["), UInt8(ascii: "{"): open += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): open = max(0, open - 1)
            default: break
            }
            if byte.isLetter || byte.isDigit || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") {
                anchors += previous == UInt8(ascii: "&") ? 1 : 0
                aliases += previous == UInt8(ascii: "*") ? 1 : 0
            }
            if anchors > 0, aliases > 16 { throw ManifestError(file: file, line: line, problem: anchorRule) }
            if open > 200 { throw ManifestError(file: file, line: line, problem: nestingRule) }
            previous = byte
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
            return items.lazy.compactMap { shapeProblem(of: $0, depth: depth + 1) }.first
        case .mapping(let pairs):
            return pairs.lazy.compactMap { key, value in
                key.scalar == nil
                    ? problem("a key must be one word")
                    : shapeProblem(of: key, depth: depth) ?? shapeProblem(of: value, depth: depth + 1)
            }.first
        }
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
