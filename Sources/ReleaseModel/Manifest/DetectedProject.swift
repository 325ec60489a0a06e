/// How a tree without a manifest is built and run, as far as its files tell.
struct DetectedProject {
    let kind: ProjectKind
    var steps: [BuildStep] = []
    /// The command that serves; nil where nothing obvious does.
    var web: String?
    var notes: [String] = []

    /// The manifest of a tree that has neither `pmo-release.yml` nor a `Procfile`.
    static func manifest(of tree: some SourceTree) throws(ManifestError) -> Manifest {
        var found: [String] = []
        var candidates: [DetectedProject] = []
        if PythonProject(tree: tree).isFound {
            found.append(PythonProject(tree: tree).marker)
            candidates.append(PythonProject(tree: tree).project(for: []))
        }
        if tree.exists(NodeMarker.file) {
            found.append(NodeMarker.file)
            candidates.append(try NodeProject(tree: tree).project())
        }
        if tree.exists("index.html") {
            found.append("index.html")
            candidates.append(DetectedProject(kind: .static))
        }
        guard let first = candidates.first else { throw nothingFound(in: tree) }
        guard let chosen = candidates.first(where: { $0.web != nil || $0.kind == .static }) else {
            throw ManifestError(
                file: "", problem: "\(found[0]) says a \(first.kind.rawValue) project, but not which command serves it",
                hint:
                    "add a Procfile with one line: \(first.kind == .python ? "web: gunicorn -b 127.0.0.1:$PORT <module>:app" : "web: node <file>.js")"
            )
        }
        var manifest = chosen.manifest()
        if found.count > 1 { manifest.notes.insert(chosen.choiceNote(found: found), at: 0) }
        return manifest
    }

    /// How the tree of a `Procfile` with these commands is built; nil where nothing is to be installed.
    static func build(
        of tree: some SourceTree, for commands: [String], web: String?
    ) throws(ManifestError) -> DetectedProject? {
        let hasPython = PythonProject(tree: tree).isFound
        let hasNode = tree.exists(NodeMarker.file)
        let starts = ([web].compactMap(\.self) + commands).map(\.programName)
        let startsNode = starts.first.map { ["node", "npm", "npx", "yarn", "pnpm"].contains($0) } ?? false
        guard hasPython || hasNode else { return nil }
        var project =
            hasPython && !(hasNode && startsNode)
            ? PythonProject(tree: tree).project(for: commands) : try NodeProject(tree: tree).project()
        if hasPython, hasNode {
            let found = [PythonProject(tree: tree).marker, NodeMarker.file]
            project.notes.insert(project.choiceNote(found: found), at: 0)
        }
        return project
    }

    private func manifest() -> Manifest {
        var manifest = Manifest(origin: .detected(kind))
        manifest.build = steps
        manifest.notes = notes
        if let web {
            manifest.services = [.web(web)]
            manifest.sites = [.leading(to: .web)]
        } else {
            manifest.sites = [Site(domain: nil, root: .root)]
        }
        return manifest
    }

    /// What was found, what was chosen, and the line that chooses otherwise.
    private func choiceNote(found: [String]) -> String {
        let names = found.joined(separator: " and ")
        let otherwise: String
        switch kind {
        case .python: otherwise = "a Procfile line `web: npm start` chooses Node"
        case .node where found.contains("index.html") && found.count == 2:
            otherwise = "a pmo-release.yml with `sites: { default: { root: . } }` chooses the files alone"
        case .node: otherwise = "a Procfile line `web: python <file>.py` chooses Python"
        case .static: otherwise = "a Procfile line `web: <command>` chooses a server"
        }
        return "found \(names); chose \(kind.title); \(otherwise)"
    }

    private static func nothingFound(in tree: some SourceTree) -> ManifestError {
        let names = tree.rootNames().prefix(8).map { $0.shown(limit: 40) }
        let root = names.isEmpty ? "the tree is empty" : "the root has \(names.joined(separator: ", "))"
        return ManifestError(
            file: "",
            problem:
                "nothing says how to deploy this; looked for pmo-release.yml, Procfile, requirements.txt, pyproject.toml, "
                + "setup.py, package.json and index.html; \(root)",
            hint: "add a Procfile with one line, such as web: <command>")
    }
}

extension ProjectKind {
    /// The kind in a sentence.
    var title: String {
        switch self {
        case .python: "Python"
        case .node: "Node"
        case .static: "static files"
        }
    }
}

extension ServiceName {
    /// The service that a site leads to unless told.
    static let web = ServiceName()
    private init() { text = "web" }
}
