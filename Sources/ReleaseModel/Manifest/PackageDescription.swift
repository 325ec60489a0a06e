import FoundationEssentials

/// What a `package.json` says that matters for a build; everything else in it may have any shape.
struct PackageDescription: Decodable {
    /// Whether something is to be installed.
    let hasDependencies: Bool
    /// The names of its scripts.
    let scripts: Set<String>
    /// The file that `main` names.
    let main: String?
    /// `npm`, `pnpm` or `yarn`, where `packageManager` names one.
    let manager: String?

    /// Reads the file.
    ///
    /// - Throws: where it is not a JSON object.
    init(_ bytes: [UInt8]) throws(ManifestError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch {
            throw ManifestError(
                file: "package.json", problem: "is not a JSON object", hint: "node -p 'require(\"./package.json\")'")
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        func names(_ key: String) -> Set<String> {
            let nested = try? container.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey(stringValue: key))
            return Set(nested?.allKeys.map(\.stringValue) ?? [])
        }
        func text(_ key: String) -> String? { try? container.decode(String.self, forKey: AnyKey(stringValue: key)) }
        let lists = ["dependencies", "devDependencies", "optionalDependencies"]
        hasDependencies =
            lists.contains { !names($0).isEmpty } || container.contains(AnyKey(stringValue: "workspaces"))
        scripts = names("scripts")
        main = text("main")
        let named = text("packageManager")?.split(separator: "@").first.map(String.init)
        manager = named.flatMap { ["npm", "pnpm", "yarn"].contains($0) ? $0 : nil }
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
