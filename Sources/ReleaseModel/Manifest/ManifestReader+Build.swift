extension ManifestReader {
    private static let stepKeys = ["run", "within", "inputs", "outputs", "env"]

    /// `build:`, the steps in order.
    func readBuild() -> [BuildStep] {
        guard let field = root["build"] else { return [] }
        return (field.items(of: "steps", example: "[{ run: make }]", atMost: 100) ?? []).compactMap { item in
            guard let step = item.mapping(keys: Self.stepKeys, example: "{ run: make }") else { return nil }
            guard let run = step["run"] else {
                item.refuse("has no “run”", hint: "add run: <command>")
                return nil
            }
            guard let command = run.command() else { return nil }
            let within = step["within"].map { $0.time(1...86_400) } ?? TimeLimit(seconds: 900)
            let reuse = readReuse(step)
            return within.map { BuildStep(run: command, within: $0, reuse: reuse) }
        }
    }

    /// `shared:`, paths none of which lies in another.
    func readShared() -> [ReleasePath] {
        guard let items = root["shared"]?.items(of: "paths", example: "[uploads]") else { return [] }
        var paths: [ReleasePath] = []
        for item in items {
            guard let path = item.value(ReleasePath.self) else { continue }
            if path == .root {
                item.refuse("must not be the whole release")
            } else if let other = paths.first(where: { $0.overlaps(path) }) {
                item.refuse(
                    "“\(path.text.shown(limit: 60))” overlaps “\(other.text.shown(limit: 60))”; name only the outer one"
                )
            } else {
                paths.append(path)
            }
        }
        return paths
    }

    /// `database:`, of which the migration command works.
    func readDatabase() -> String? {
        guard let database = root["database"]?.mapping(keys: ["url", "migrate"], example: "{ migrate: ./migrate.sh }")
        else {
            return nil
        }
        if let url = database["url"], url.value(EnvironmentKey.self) != nil {
            url.refuse("does nothing yet: dumps before a migration are not built; remove it")
        }
        return database["migrate"]?.command()
    }
}
