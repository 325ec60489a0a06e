import Yams

/// A value of the manifest with the way to it, such as `services.api.health`, and where its problems go. What reads
/// it returns nil after it has said what would be right.
struct ManifestField {
    let node: Node
    let path: String
    let problems: ProblemList

    /// `services.api.instances must be …`.
    func refuse(_ rule: String, hint: String? = nil) {
        problems.add("\(path) \(rule)", at: node, hint: hint)
    }

    /// The text of a scalar. A number is taken as it is written; `yes` and an empty value are not, since YAML reads
    /// them as something else.
    func text(_ rule: String = "must be text") -> String? {
        guard let scalar = node.scalar else {
            refuse("\(rule), not a \(node.sequence == nil ? "mapping" : "list")")
            return nil
        }
        switch node.tag.rawValue {
        case "tag:yaml.org,2002:null":
            refuse("\(rule), but is empty")
        case "tag:yaml.org,2002:bool":
            refuse("\(rule), but YAML reads \(scalar.string) as true or false; put quotes around it")
        case "tag:yaml.org,2002:binary":
            refuse("\(rule), not !!binary")
        default:
            return scalar.string
        }
        return nil
    }

    /// A text of a checked type.
    ///
    /// - Parameter rule: what is said of a value that is no text.
    func value<T: ValidatedText>(_ type: T.Type, _ rule: String = "must be text") -> T? {
        guard let text = text(rule) else { return nil }
        do {
            return try T(text)
        } catch {
            problems.add(InvalidValue(path, error.value, error.rule).description, at: node)
            return nil
        }
    }

    /// A text without control characters, except for the allowed ones.
    func text(length: ClosedRange<Int>, allowing allowed: String = "") -> String? {
        guard let text = text() else { return nil }
        guard length.contains(text.utf8.count) else {
            refuse(text.isEmpty ? "must not be empty" : "must be at most \(length.upperBound) bytes long")
            return nil
        }
        let control = text.unicodeScalars.first {
            ($0.value < 0x20 || $0.value == 0x7f) && !allowed.unicodeScalars.contains($0)
        }
        if let control {
            refuse("must not hold the control character \(String(control).shown())")
            return nil
        }
        return text
    }

    /// A command line for `sh`: it ends up in a script of its own, so that it may have several lines.
    func command() -> String? {
        guard let text = text(length: 0...65_536, allowing: "\n\t") else { return nil }
        guard text.contains(where: { !$0.isWhitespace }) else {
            refuse("must be a command line, but is empty")
            return nil
        }
        return text
    }

    func flag() -> Bool? {
        if let text = node.scalar?.string, node.tag.rawValue == "tag:yaml.org,2002:bool",
            ["true", "false"].contains(text)
        {
            return text == "true"
        }
        refuse("must be true or false")
        return nil
    }

    func number(_ range: ClosedRange<Int>) -> Int? {
        if let text = node.scalar?.string, text.utf8.count <= 9, text.utf8.allSatisfy(\.isDigit),
            let number = Int(text),
            range.contains(number), node.tag.rawValue != "tag:yaml.org,2002:str"
        {
            return number
        }
        refuse("must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// A size in bytes. Quotes would not make one of what YAML reads as true or false.
    func size() -> ByteSize? {
        let rule = "must be a size, such as 2G"
        guard node.tag.rawValue != "tag:yaml.org,2002:bool" else {
            refuse(rule)
            return nil
        }
        return value(ByteSize.self, rule)
    }

    /// A time between two bounds, both in seconds.
    func time(_ range: ClosedRange<Int>) -> TimeLimit? {
        guard let limit = value(TimeLimit.self) else { return nil }
        guard (range.lowerBound * 1000...range.upperBound * 1000).contains(limit.milliseconds) else {
            refuse("must be from \(TimeLimit(seconds: range.lowerBound)) to \(TimeLimit(seconds: range.upperBound))")
            return nil
        }
        return limit
    }

    /// The items of a list.
    func items(of what: String, example: String, atMost limit: Int = 256) -> [ManifestField]? {
        guard let sequence = node.sequence else {
            refuse("must be a list of \(what), such as \(example)")
            return nil
        }
        guard sequence.count <= limit else {
            refuse("must have at most \(limit) items")
            return nil
        }
        return sequence.enumerated().map { index, item in
            ManifestField(node: item, path: "\(path)[\(index + 1)]", problems: problems)
        }
    }
}
