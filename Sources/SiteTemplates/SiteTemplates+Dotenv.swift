public import ReleaseModel

extension SiteTemplates {
    /// The names that a template uses and nobody set, sorted. A section's name counts: a key that may be missing is
    /// given an empty default.
    ///
    /// - Throws: where the template is not well formed, or uses a partial.
    public static func missingVariables(
        in template: String, values: Set<String>
    ) throws(TemplateError) -> [String] {
        let scanned = try ScannedTemplate(template, name: "template")
        return scanned.missing(in: Dictionary(uniqueKeysWithValues: values.map { ($0, TemplateValue.text("")) }))
    }

    /// Renders a `.env` file of an app. `{{KEY}}` is the value as the file's reader gets it: raw where it is plain,
    /// else in double quotes with `\`, `"`, `$`, line feed and carriage return escaped; between quotes that the
    /// template has already, only the escapes. `{{{KEY}}}` is the value raw. `{{#KEY}}…{{/KEY}}` stands when the
    /// value is not empty.
    ///
    /// - Parameter name: What the template is called in an error: its path.
    /// - Throws: all the variables that nobody set; a value that cannot stand where the template wants it.
    public static func render(
        template: String, name: String, values: [EnvironmentKey: String]
    ) throws(TemplateError) -> String {
        let values = Dictionary(uniqueKeysWithValues: values.map { ($0.key.text, $0.value) })
        let scanned = try ScannedTemplate(template, name: name)
        let missing = scanned.missing(in: values.mapValues { .text($0) })
        guard missing.isEmpty else { throw .missing(template: name, names: missing) }
        return try DotenvTemplate(scanned, values).render()
    }
}

/// Follows the quotes of a template, and rewrites each variable to one that holds the value as it must stand there.
private struct DotenvTemplate {
    private let scanned: ScannedTemplate
    private let values: [String: String]
    private var position = DotenvPosition()
    private var source = ""
    private var context: [String: TemplateValue] = [:]

    init(_ scanned: ScannedTemplate, _ values: [String: String]) {
        self.scanned = scanned
        self.values = values
    }

    func render() throws(TemplateError) -> String {
        var copy = self
        for (index, part) in scanned.parts.enumerated() {
            switch part {
            case .text(let text):
                copy.position.advance(over: text)
                copy.source += text
            case .tag(let tag, let source):
                try copy.add(tag, source, endsValue: scanned.parts.dropFirst(index + 1).first?.endsValue ?? true)
            }
        }
        return try ScannedTemplate(copy.source, name: scanned.name).render(copy.context)
    }

    private mutating func add(_ tag: TemplateTag, _ text: String, endsValue: Bool) throws(TemplateError) {
        let value = values[tag.name] ?? ""
        switch tag.kind {
        case .variable(let isRaw):
            let name = "value_\(context.count)"
            context[name] = .text(isRaw ? value : try quoted(value, tag, endsValue: endsValue))
            source += "{{{\(name)}}}"
            position.advanceOverValue()
        case .section(let isInverted):
            context["is_\(tag.name)"] = .flag(!value.isEmpty)
            source += "{{\(isInverted ? "^" : "#")is_\(tag.name)}}"
        case .end:
            source += "{{/is_\(tag.name)}}"
        case .comment:
            source += text
        }
    }

    private func quoted(_ value: String, _ tag: TemplateTag, endsValue: Bool) throws(TemplateError) -> String {
        switch position.quote {
        case .double:
            return value.dotenvEscaped
        case .single:
            guard !value.contains("'") else {
                throw problem(tag, "holds a “'” and stands between single quotes; put double quotes around it")
            }
            return value
        case .comment:
            guard !value.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\r" }) else {
                throw problem(tag, "has several lines and stands in a comment")
            }
            return value
        case .none:
            if value.isPlainInDotenv { return value }
            guard position.beginsValue, endsValue else {
                throw problem(tag, "needs quotes, but is a part of a value; put double quotes around the whole")
            }
            return "\"\(value.dotenvEscaped)\""
        }
    }

    private func problem(_ tag: TemplateTag, _ text: String) -> TemplateError {
        .malformed(template: scanned.name, line: tag.line, problem: "the value of \(tag.name) \(text)")
    }
}

extension ScannedTemplate.Part {
    /// Whether a value that stands before this part ends there.
    fileprivate var endsValue: Bool {
        guard case .text(let text) = self else { return false }
        let next = text.unicodeScalars.drop { $0 == " " || $0 == "\t" || $0 == "\r" }.first
        return next == nil || next == "\n" || next == "#" || next == "," || next == ";"
    }
}

extension String {
    fileprivate var isPlainInDotenv: Bool {
        unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                || "_./:@%+,=-".unicodeScalars.contains(scalar)
        }
    }

    fileprivate var dotenvEscaped: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\\", "\"", "$": result += "\\\(scalar)"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
