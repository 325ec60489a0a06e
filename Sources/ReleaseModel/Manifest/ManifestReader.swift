import Yams

/// Reads `pmo-release.yml`: every value once, into the types of the model; goes on after a problem so that all are
/// told together.
struct ManifestReader {
    static let keys = [
        "app", "branch", "build", "env", "services", "sites", "compose", "database", "shared", "schedule", "keep",
        "bake", "cache", "environments",
    ]
    let root: ManifestMapping
    let problems: ProblemList
    let templateExists: (ReleasePath) -> Bool
    let treeHolds: (PathPattern) -> Bool

    /// Reads the file, and once more for each environment merged over it.
    static func read(
        _ bytes: [UInt8], from tree: some SourceTree, environment: String?
    ) throws(ManifestError) -> Manifest {
        let node = try ManifestYAML.read(bytes, file: Manifest.fileName)
        let problems = ProblemList()
        let exists = { (path: ReleasePath) in tree.exists(path.text) }
        let holds = { (pattern: PathPattern) in tree.holds(pattern) }
        var chosen = manifest(of: node, problems, exists, holds)
        for (name, override) in environments(of: node, problems) {
            problems.environment = name
            let merged = manifest(of: node.merging(override), problems, exists, holds)
            if name == environment { chosen = merged }
        }
        if let error = ManifestError(file: Manifest.fileName, problems: problems.inOrder) { throw error }
        guard let chosen else { throw ManifestError(file: Manifest.fileName, problem: "could not be read") }
        return chosen
    }

    /// The names in `environments:`, in the order of the file.
    static func environmentNames(_ bytes: [UInt8]) throws(ManifestError) -> [String] {
        let node = try ManifestYAML.read(bytes, file: Manifest.fileName)
        guard case .mapping(let environments) = node.mapping?["environments"] else { return [] }
        return environments.compactMap { key, _ in key.scalar?.string }
    }

    private static func manifest(
        of node: Node, _ problems: ProblemList, _ exists: @escaping (ReleasePath) -> Bool,
        _ holds: @escaping (PathPattern) -> Bool
    ) -> Manifest? {
        let field = ManifestField(node: node, path: "", problems: problems)
        guard let root = field.mapping(keys: keys, example: "app: shop") else { return nil }
        return ManifestReader(root: root, problems: problems, templateExists: exists, treeHolds: holds).manifest()
    }

    private static func environments(of node: Node, _ problems: ProblemList) -> [(String, Node)] {
        guard let value = node.mapping?["environments"] else { return [] }
        let field = ManifestField(node: value, path: "environments", problems: problems)
        let example = "{ staging: { keep: 2 } }"
        return (field.mapping(example: example, atMost: 32)?.entries ?? []).compactMap { entry in
            guard let name = entry.name(EnvironmentName.self), case .mapping(let override) = entry.field.node else {
                entry.field.refuse("must be a mapping, such as { keep: 2 }")
                return nil
            }
            for (key, _) in override where key.scalar?.string == "environments" {
                problems.add("\(entry.field.path) must not hold environments itself", at: key)
            }
            return (name.text, entry.field.node)
        }
    }

    private func manifest() -> Manifest {
        var manifest = Manifest(origin: .file)
        manifest.app = root["app"]?.value(AppName.self)
        manifest.branch = root["branch"]?.value(BranchName.self)
        manifest.build = readBuild()
        manifest.environment = readEnvironment()
        manifest.migrate = readDatabase()
        manifest.shared = readShared()
        manifest.keep = root["keep"]?.number(1...1000) ?? manifest.keep
        manifest.bake = root["bake"]?.time(0...86_400)
        manifest.cache = root["cache"]?.size()
        let services = readServices()
        let sites = readSites()
        connect(services, sites, in: &manifest)
        checkReuse(manifest)
        refuseWhatDoesNothingYet()
        return manifest
    }
}

/// The name of an environment, such as `staging`: 1 to 40 letters, digits, `-` and `_`, starting with a letter.
public struct EnvironmentName: ValidatedText {
    /// What an error calls it.
    public static let kind = "environment name"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        try Self.check(text, length: 1...40) { byte, first in
            byte.isLetter || !first && (byte.isDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_"))
        } orRule: {
            "must be 1 to 40 letters, digits, “-” and “_”, starting with a letter"
        }
        self.text = text
    }
}

extension Node {
    /// The mapping with another merged over it: mappings key by key, everything else replaced.
    func merging(_ other: Node) -> Node {
        guard case .mapping(var mine) = self, case .mapping(let theirs) = other else { return other }
        for (key, value) in theirs where key.scalar?.string != "environments" {
            mine[key] = mine[key].map { $0.merging(value) } ?? value
        }
        return .mapping(mine)
    }
}
