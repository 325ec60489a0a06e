import Yams

extension ManifestReader {
    /// The product's own keys that a reused step may ask for.
    private static let ownKeys = ["PMO_APP", "PMO_COMMIT", "PMO_BRANCH", "PMO_DESCRIBE"]

    /// `inputs`, `outputs` and `env` of a build step; nil where it has none of them or they are wrong.
    func readReuse(_ step: ManifestMapping) -> StepReuse? {
        let keys = readStepKeys(step["env"])
        guard step["inputs"] != nil || step["outputs"] != nil else {
            step["env"]?.refuse("needs inputs and outputs: a step without them gets every key", hint: "remove it")
            return nil
        }
        guard let inputs = step["inputs"] else {
            step["outputs"]?.refuse(
                "needs inputs: without them nobody knows when to make the outputs anew",
                hint: "add inputs: [<what the step reads>]")
            return nil
        }
        guard let outputs = step["outputs"] else {
            inputs.refuse("needs outputs: without them there is nothing to reuse", hint: "add outputs: [dist]")
            return nil
        }
        guard let read = inputs.patterns(), let made = outputs.patterns(example: "[dist]") else { return nil }
        var isRight = true
        for (output, field) in made {
            if output.path == .root {
                field.refuse("must not be the whole release; name what the step makes")
                isRight = false
            } else if let input = read.first(where: { output.covers($0.pattern) })?.pattern {
                field.refuse(
                    "“\(output.shown)” holds “\(input.shown)”, which the step reads",
                    hint: "name what the step makes alone, or put both steps into one")
                isRight = false
            }
        }
        return isRight ? StepReuse(inputs: read.map(\.pattern), outputs: made.map(\.pattern), environment: keys) : nil
    }

    private func readStepKeys(_ field: ManifestField?) -> [EnvironmentKey] {
        (field?.items(of: "keys", example: "[NPM_TOKEN]") ?? []).compactMap { item in
            guard let key = item.value(EnvironmentKey.self) else { return nil }
            guard key.isReserved, !Self.ownKeys.contains(key.text) else { return key }
            guard key.text.hasPrefix("PMO_"), key.text != "PMO_RELEASE" else {
                item.refuse("“\(key)” is another in each release, so that nothing would be reused; remove it")
                return nil
            }
            let nearest = nearestName(to: key.text, among: Self.ownKeys).map { "; did you mean “\($0)”?" }
            let known = "; there are: \(Self.ownKeys.joined(separator: ", "))"
            item.refuse("“\(key)” is no key that a step gets\(nearest ?? known)")
            return nil
        }
    }

    /// `restart: when-changed` and `inputs` of a service; nil where every deploy starts it anew.
    func readRestart(_ mapping: ManifestMapping, of service: Service) -> [PathPattern]? {
        let restart = mapping["restart"].flatMap { $0.choice(of: ["always", "when-changed"]) }
        let inputs = mapping["inputs"].flatMap { $0.patterns() }?.map(\.pattern)
        guard restart == "when-changed" else {
            if mapping["restart"] == nil || restart == "always" {
                mapping["inputs"]?.refuse("needs restart: when-changed", hint: "add restart: when-changed")
            }
            return nil
        }
        return inputs ?? (try? [PathPattern(service.directory)])
    }

    /// What can only be told once all is read: that inputs exist, and that outputs are nobody else's.
    func checkReuse(_ manifest: Manifest) {
        let rendered = manifest.environment.files.map(\.target)
        var made: [PathPattern] = []
        for step in root["build"]?.items(of: "steps", example: "[{ run: make }]", atMost: 100) ?? [] {
            guard let step = step.knownMapping else { continue }
            checkExists(step["inputs"], madeBefore: made, rendered)
            for (output, field) in step["outputs"]?.patterns(example: "[dist]") ?? [] {
                check(output, field, manifest.shared, rendered)
                if made.contains(output) {
                    field.refuse(
                        "“\(output.shown)” is an output that is named already", hint: "one step makes what it names")
                }
                made.append(output)
            }
        }
        for service in root["services"]?.knownMapping?.entries ?? [] {
            checkExists(service.field.knownMapping?["inputs"], madeBefore: made, rendered)
        }
    }

    private func checkExists(_ field: ManifestField?, madeBefore made: [PathPattern], _ rendered: [ReleasePath]) {
        for (input, field) in field?.patterns() ?? [] {
            let isMade = made.contains { $0.overlaps(input) } || rendered.contains(where: input.covers)
            guard !isMade, !treeHolds(input) else { continue }
            field.refuse(
                "names “\(input.shown)”, which is not in the tree",
                hint: "correct it, or name it in the outputs of the step before that makes it")
        }
    }

    private func check(
        _ output: PathPattern, _ field: ManifestField, _ shared: [ReleasePath], _ rendered: [ReleasePath]
    ) {
        for path in shared where (try? PathPattern(path))?.overlaps(output) == true {
            field.refuse("“\(output.shown)” overlaps the shared path “\(path.text.shown(limit: 60))”")
        }
        for path in rendered where (try? PathPattern(path))?.overlaps(output) == true {
            field.refuse(
                "“\(output.shown)” overlaps the rendered file “\(path.text.shown(limit: 60))”, which holds the "
                    + "operator's values")
        }
    }
}

extension ManifestField {
    /// A list of patterns that is not empty; nil where one is wrong.
    func patterns(example: String = "[package.json]") -> [(pattern: PathPattern, field: ManifestField)]? {
        guard let items = items(of: "paths", example: example) else { return nil }
        if items.isEmpty { refuse("must name a path, such as \(example)") }
        let read = items.compactMap { item in item.value(PathPattern.self).map { (pattern: $0, field: item) } }
        return read.isEmpty || read.count < items.count ? nil : read
    }

    /// The mapping of something that was read before, so that whatever is wrong with it has been told.
    fileprivate var knownMapping: ManifestMapping? { node.mapping == nil ? nil : mapping(example: "{}") }
}

extension PathPattern {
    var shown: String { text.shown(limit: 60) }
}
