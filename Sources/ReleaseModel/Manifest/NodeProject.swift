/// A Node project: installed by the lock file it has, built and started by its scripts.
struct NodeProject<Tree: SourceTree> {
    let tree: Tree
    let package: PackageDescription

    /// Reads `package.json`.
    ///
    /// - Throws: where it is not JSON.
    init(tree: Tree) throws(ManifestError) {
        self.tree = tree
        package = try PackageDescription(tree.contents(NodeMarker.file) ?? [])
    }

    /// How it is built, and the command that serves, if one is obvious.
    func project() -> DetectedProject {
        var project = DetectedProject(kind: .node)
        let manager = choosePackageManager(&project.notes)
        if package.hasDependencies || tree.exists("pnpm-workspace.yaml") {
            project.steps.append(BuildStep(run: manager.install))
        }
        if package.scripts.contains("build") { project.steps.append(BuildStep(run: "\(manager.name) run build")) }
        if package.scripts.contains("start") {
            project.web = "\(manager.name) start"
        } else if tree.exists("server.js") {
            project.web = "node server.js"
        } else if let main = package.main, let path = try? ReleasePath(main), path != .root, tree.exists(path.text) {
            project.web = "node \(path.text.shellQuoted)"
        }
        return project
    }

    private func choosePackageManager(_ notes: inout [String]) -> PackageManager {
        let found = PackageManager.all.filter { tree.exists($0.lockFile) }
        let chosen = found.first { $0.name == package.manager } ?? found.first
        guard let chosen else {
            let name = package.manager ?? "npm"
            if package.hasDependencies {
                notes.append("no lock file: `\(name) install` takes the newest versions that fit")
            }
            return PackageManager(name: name, lockFile: "", install: "\(name) install")
        }
        let names = Set(found.map(\.name))
        if names.count > 1 {
            let others = found.filter { $0.name != chosen.name }.map(\.lockFile).joined(separator: " and ")
            notes.append(
                "found \(chosen.lockFile) and \(others); chose \(chosen.name); remove \(chosen.lockFile) to choose otherwise"
            )
        }
        return chosen
    }
}

enum NodeMarker { static let file = "package.json" }

private struct PackageManager {
    let name: String
    let lockFile: String
    let install: String

    static let all = [
        PackageManager(name: "pnpm", lockFile: "pnpm-lock.yaml", install: "pnpm install --frozen-lockfile"),
        PackageManager(name: "yarn", lockFile: "yarn.lock", install: "yarn install --frozen-lockfile"),
        PackageManager(name: "npm", lockFile: "package-lock.json", install: "npm ci"),
        PackageManager(name: "npm", lockFile: "npm-shrinkwrap.json", install: "npm ci"),
    ]
}

extension String {
    /// The text as one word of a shell command.
    public var shellQuoted: String {
        let isPlain = !isEmpty && utf8.allSatisfy { $0.isLetter || $0.isDigit || "_./:@%+,=-".utf8.contains($0) }
        return isPlain
            ? self : "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
