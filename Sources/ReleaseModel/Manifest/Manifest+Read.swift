extension Manifest {
    /// The name of the manifest in a tree's root.
    public static let fileName = "pmo-release.yml"

    /// Reads what a tree says about itself: `pmo-release.yml`; else a `Procfile` and the kind of project; else the
    /// kind alone.
    ///
    /// - Parameters:
    ///   - tree: The pushed tree, or a work tree.
    ///   - environment: Which part of `environments:` is merged over; an unknown name is just the base.
    /// - Throws: every problem that was found.
    public static func read(
        from tree: some SourceTree, environment: String? = nil
    ) throws(ManifestError) -> Manifest {
        var manifest =
            if let bytes = tree.contents(fileName) {
                try ManifestReader.read(bytes, from: tree, environment: environment)
            } else if tree.exists(fileName) {
                throw ManifestError(file: fileName, problem: "must be a file")
            } else if let bytes = tree.contents(Procfile.fileName) {
                try Procfile(bytes).manifest(in: tree)
            } else {
                try DetectedProject.manifest(of: tree)
            }
        if let wrong = misspelledFileName(in: tree), manifest.origin != .file {
            manifest.notes.append("\(wrong) is not read; the manifest's name is \(fileName)")
        }
        if tree.exists(".env") {
            manifest.notes.append(
                "the committed .env is not read as configuration; set the values with `pmo-release env import`")
        }
        return manifest
    }

    /// The environments that a tree's `pmo-release.yml` has in place of one that was named; nil where it has that one, or
    /// no `environments`.
    ///
    /// - Throws: what makes it no YAML.
    public static func environments(
        in tree: some SourceTree, lacking name: String
    ) throws(ManifestError) -> [String]? {
        guard let bytes = tree.contents(fileName) else { return nil }
        let known = try ManifestReader.environmentNames(bytes)
        return known.isEmpty || known.contains(name) ? nil : known
    }

    private static func misspelledFileName(in tree: some SourceTree) -> String? {
        ["pmo-release.yaml", ".pmo-release.yml", "pmo_release.yml", "release.yml"].first { tree.exists($0) }
    }
}
