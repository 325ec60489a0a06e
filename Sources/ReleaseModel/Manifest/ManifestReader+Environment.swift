extension ManifestReader {
    /// `env:`, what the app's environment must and may hold.
    func readEnvironment() -> EnvironmentRules {
        let keys = ["defaults", "required", "files"]
        guard let environment = root["env"]?.mapping(keys: keys, example: "{ required: [SECRET_KEY] }") else {
            return EnvironmentRules()
        }
        return EnvironmentRules(
            defaults: readDefaults(environment["defaults"]), required: readRequired(environment["required"]),
            files: readFiles(environment["files"]))
    }

    private func readDefaults(_ field: ManifestField?) -> [EnvironmentKey: String] {
        var defaults: [EnvironmentKey: String] = [:]
        for entry in field?.mapping(example: "{ NODE_ENV: production }")?.entries ?? [] {
            guard let key = entry.name(EnvironmentKey.self) else { continue }
            if key.isReserved {
                problems.add("\(entry.field.path) is set by pmo-release itself; remove it", at: entry.keyNode)
            } else if key.isDangerous {
                problems.add(
                    "\(entry.field.path) changes how programs are loaded or found, so that only the operator may set it",
                    at: entry.keyNode, hint: "pmo-release env set <app> \(key)=<value>")
            } else if let value = entry.field.environmentValue() {
                defaults[key] = value
            }
        }
        return defaults
    }

    private func readRequired(_ field: ManifestField?) -> [EnvironmentKey] {
        var keys: [EnvironmentKey] = []
        for item in field?.items(of: "keys", example: "[SECRET_KEY]", atMost: 1024) ?? [] {
            guard let key = item.value(EnvironmentKey.self) else { continue }
            if key.isReserved {
                item.refuse("“\(key)” is set by pmo-release itself; remove it")
            } else if !keys.contains(key) {
                keys.append(key)
            }
        }
        return keys
    }

    private func readFiles(_ field: ManifestField?) -> [RenderedFile] {
        var files: [RenderedFile] = []
        for entry in field?.mapping(example: "{ .env: .env.template }")?.entries ?? [] {
            guard let target = entry.name(ReleasePath.self), let template = entry.field.value(ReleasePath.self) else {
                continue
            }
            if target == .root || target == template {
                problems.add("\(entry.field.path) must name a file that is not its own template", at: entry.keyNode)
            } else if let other = files.first(where: { $0.target.overlaps(target) }) {
                problems.add("\(entry.field.path) overlaps \(other.target.text.shown(limit: 60))", at: entry.keyNode)
            } else if !templateExists(template) {
                entry.field.refuse("names “\(template.text.shown(limit: 60))”, which is not in the tree")
            } else {
                files.append(RenderedFile(target: target, template: template))
            }
        }
        return files.sorted { $0.target < $1.target }
    }
}

extension ManifestField {
    /// A value for the environment: any text of at most 32 KiB without NUL.
    fileprivate func environmentValue() -> String? {
        guard let text = text() else { return nil }
        if text.utf8.contains(0) {
            refuse("must not hold a NUL")
        } else if text.utf8.count > 32_768 {
            refuse("must be at most 32 KiB long")
        } else {
            return text
        }
        return nil
    }
}
