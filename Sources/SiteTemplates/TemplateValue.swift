import Mustache
import ReleaseModel

/// What a template's variable stands for. A template is rendered only when each of its variables has one.
enum TemplateValue {
    case text(String)
    case flag(Bool)
    case list([[String: TemplateValue]])

    /// As the renderer wants it: a string, a bool or an array of dictionaries.
    var rendered: Any {
        switch self {
        case .text(let text): text
        case .flag(let flag): flag
        case .list(let items): items.map { $0.mapValues(\.rendered) }
        }
    }
}

extension TemplateValue: ExpressibleByStringInterpolation {
    init(stringLiteral text: String) { self = .text(text) }
}

extension ScannedTemplate {
    /// The names that the template uses where no value has them, sorted.
    func missing(in values: [String: TemplateValue]) -> [String] {
        var missing: Set<String> = []
        var index = parts.startIndex
        collectMissing(from: &index, scopes: [values], into: &missing)
        return missing.sorted()
    }

    /// Walks one section, in each of whose scopes a name may be found; returns behind its end.
    private func collectMissing(
        from index: inout Int, scopes: [[String: TemplateValue]], into missing: inout Set<String>
    ) {
        while index < parts.endIndex {
            guard case .tag(let tag, _) = parts[index] else {
                index += 1
                continue
            }
            index += 1
            if tag.kind == .end { return }
            if tag.kind == .comment { continue }
            let value = scopes.last { $0[tag.name] != nil }?[tag.name]
            if value == nil { missing.insert(tag.name) }
            guard case .section(let isInverted) = tag.kind else { continue }
            let start = index
            var unused: Set<String> = []
            if case .list(let items) = value, !isInverted {
                for item in items {
                    index = start
                    collectMissing(from: &index, scopes: scopes + [item], into: &missing)
                }
                if items.isEmpty { collectMissing(from: &index, scopes: scopes, into: &unused) }
            } else {
                collectMissing(from: &index, scopes: scopes, into: &missing)
            }
        }
    }

    /// Renders text: nothing is escaped for HTML.
    ///
    /// - Throws: all the variables that have no value.
    func render(_ values: [String: TemplateValue]) throws(TemplateError) -> String {
        let missing = missing(in: values)
        guard missing.isEmpty else { throw .missing(template: name, names: missing) }
        let source = parts.map { part in
            switch part {
            case .text(let text): text
            case .tag(_, let source): source
            }
        }.joined()
        do {
            let template = try MustacheTemplate(string: "{{% CONTENT_TYPE:TEXT}}\n" + source)
            return template.render(values.mapValues(\.rendered))
        } catch {
            throw .malformed(
                template: name, line: 1, problem: "is no Mustache template: \("\(error)".shown(limit: 200))")
        }
    }
}
