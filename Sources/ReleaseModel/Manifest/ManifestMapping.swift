import Yams

/// A mapping of the manifest whose keys were looked at: known ones by name, or names that the file chooses.
struct ManifestMapping {
    struct Entry {
        let key: String
        let keyNode: Node
        let field: ManifestField
    }

    let field: ManifestField
    let entries: [Entry]

    subscript(key: String) -> ManifestField? { entries.first { $0.key == key }?.field }
}

extension ManifestField {
    /// The mapping, with only the keys that are known here.
    func mapping(keys: [String], example: String) -> ManifestMapping? {
        guard let mapping = mapping(example: example) else { return nil }
        for entry in mapping.entries where !keys.contains(entry.key) {
            let place = path.isEmpty ? "" : " in \(path)"
            let nearest = nearestName(to: entry.key, among: keys)
            let rest = nearest.map { "; did you mean “\($0)”?" } ?? "; known here: \(keys.joined(separator: ", "))"
            problems.add("unknown key “\(entry.key.shown(limit: 60))”\(place)\(rest)", at: entry.keyNode)
        }
        return mapping
    }

    /// The mapping, with names as keys that the file chooses.
    func mapping(example: String, atMost limit: Int = 1024) -> ManifestMapping? {
        guard case .mapping(let pairs) = node else {
            let subject = path.isEmpty ? "the file" : path
            problems.add("\(subject) must be a mapping, such as \(example)", at: node)
            return nil
        }
        guard pairs.count <= limit else {
            refuse("must have at most \(limit) keys")
            return nil
        }
        let entries = pairs.map { key, value in
            let name = key.scalar?.string ?? ""
            let shown = name.shown(limit: 60)
            let field = ManifestField(node: value, path: path.isEmpty ? shown : "\(path).\(shown)", problems: problems)
            return ManifestMapping.Entry(key: name, keyNode: key, field: field)
        }
        return ManifestMapping(field: self, entries: entries)
    }
}

extension ManifestMapping.Entry {
    /// The key as a checked type.
    func name<T: ValidatedText>(_ type: T.Type) -> T? {
        do {
            return try T(key)
        } catch {
            field.problems.add(error.description, at: keyNode)
            return nil
        }
    }
}
