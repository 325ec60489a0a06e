import ReleaseModel

/// A tag of a Mustache template (mustache(5)): the subset that templates here may use.
struct TemplateTag: Equatable {
    enum Kind: Equatable {
        /// `{{name}}`; raw where it is `{{{name}}}` or `{{&name}}`.
        case variable(isRaw: Bool)
        /// `{{#name}}` or, inverted, `{{^name}}`.
        case section(isInverted: Bool)
        /// `{{/name}}`.
        case end
        /// `{{! … }}`.
        case comment
    }

    let kind: Kind
    /// A letter or `_`, then letters, digits and `_`; empty in a comment.
    let name: String
    /// From 1.
    let line: Int
}

/// A template cut into text and tags.
struct ScannedTemplate {
    enum Part: Equatable {
        case text(String)
        case tag(TemplateTag, source: String)
    }

    let name: String
    let parts: [Part]
    var tags: [TemplateTag] {
        parts.compactMap { if case .tag(let tag, _) = $0 { tag } else { nil } }
    }

    /// Cuts the template.
    ///
    /// - Throws: a tag that is not closed or not known, a partial (A25), or a section that does not end.
    init(_ template: String, name: String) throws(TemplateError) {
        self.name = name
        var parts: [Part] = []
        var rest = template.utf8[...]
        var line = 1
        while let start = rest.firstRange(of: "{{") {
            let text = rest[..<start]
            if !text.isEmpty { parts.append(.text(String(decoding: text, as: UTF8.self))) }
            line += text.count { $0 == UInt8(ascii: "\n") }
            rest = rest[start...]
            let (tag, end) = try Self.tag(at: rest, line: line, template: name)
            let source = String(decoding: rest[..<end], as: UTF8.self)
            parts.append(.tag(tag, source: source))
            line += source.utf8.count { $0 == UInt8(ascii: "\n") }
            rest = rest[end...]
        }
        if !rest.isEmpty { parts.append(.text(String(decoding: rest, as: UTF8.self))) }
        self.parts = parts
        try checkSections()
    }

    private static func tag(
        at source: Substring.UTF8View, line: Int, template: String
    ) throws(TemplateError) -> (TemplateTag, String.Index) {
        let isTriple = source.starts(with: "{{{".utf8)
        let opening = source.index(source.startIndex, offsetBy: isTriple ? 3 : 2)
        let closer = isTriple ? "}}}" : "}}"
        guard let closing = source[opening...].firstRange(of: closer) else {
            throw .malformed(template: template, line: line, problem: "“{{” is not closed")
        }
        let end = source.index(closing, offsetBy: closer.utf8.count)
        var words = source[opening..<closing]
        let mark = isTriple ? UInt8(ascii: "&") : words.first ?? 0
        if !isTriple, "#^/!&>=<$%".utf8.contains(mark) { words = words.dropFirst() }
        if mark == UInt8(ascii: "!") { return (TemplateTag(kind: .comment, name: "", line: line), end) }
        if ">=<$%".utf8.contains(mark) {
            let what = [
                ">": "a partial", "<": "a parent", "$": "a block", "=": "a change of delimiters", "%": "a pragma",
            ]
            let name = what[String(decoding: [mark], as: UTF8.self)] ?? "such a tag"
            throw .malformed(template: template, line: line, problem: "\(name) is not accepted in a template")
        }
        let name = String(decoding: words, as: UTF8.self).withoutSpacesAround
        guard name.isVariableName else {
            throw .malformed(
                template: template, line: line, problem: "“\(name.shown(limit: 60))” is no variable's name")
        }
        let kind: TemplateTag.Kind =
            switch mark {
            case UInt8(ascii: "#"): .section(isInverted: false)
            case UInt8(ascii: "^"): .section(isInverted: true)
            case UInt8(ascii: "/"): .end
            default: .variable(isRaw: mark == UInt8(ascii: "&"))
            }
        return (TemplateTag(kind: kind, name: name, line: line), end)
    }

    private func checkSections() throws(TemplateError) {
        var open: [TemplateTag] = []
        for tag in tags {
            if case .section = tag.kind {
                open.append(tag)
                guard open.count <= 32 else {
                    throw .malformed(template: name, line: tag.line, problem: "sections are nested deeper than 32")
                }
            }
            guard tag.kind == .end else { continue }
            guard let section = open.popLast(), section.name == tag.name else {
                throw .malformed(template: name, line: tag.line, problem: "“{{/\(tag.name)}}” ends no section")
            }
        }
        if let section = open.last {
            throw .malformed(template: name, line: section.line, problem: "section “\(section.name)” does not end")
        }
    }
}

extension Substring.UTF8View {
    /// Where an ASCII text begins first.
    fileprivate func firstRange(of text: String) -> String.Index? {
        var rest = self
        while let start = rest.firstIndex(where: { $0 == text.utf8.first }) {
            if rest[start...].starts(with: text.utf8) { return start }
            rest = rest[rest.index(after: start)...]
        }
        return nil
    }
}

extension String {
    fileprivate var withoutSpacesAround: String {
        let start = drop { $0 == " " || $0 == "\t" }
        return start.lastIndex { $0 != " " && $0 != "\t" }.map { String(start[...$0]) } ?? ""
    }

    fileprivate var isVariableName: Bool {
        let isWord = utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        }
        return isWord && (1...128).contains(utf8.count) && !(first?.isNumber ?? true)
    }
}
