import ReleaseModel

/// A tree of a few files, given by path.
struct FileTree: SourceTree {
    var files: [String: [UInt8]]

    init(_ files: [String: String]) { self.files = files.mapValues { Array($0.utf8) } }

    func exists(_ path: String) -> Bool { files.keys.contains { $0 == path || $0.hasPrefix("\(path)/") } }
    func contents(_ path: String) -> [UInt8]? { files[path] }
    func names(in path: String) -> [String] {
        let prefix = path == "." ? "" : "\(path)/"
        return Set(
            files.keys.filter { $0.hasPrefix(prefix) }.compactMap {
                $0.dropFirst(prefix.count).split(separator: "/").first.map(String.init)
            }
        ).sorted()
    }
    func rootNames() -> [String] {
        Set(files.keys.compactMap { $0.split(separator: "/").first.map(String.init) }).sorted()
    }
}

extension Manifest {
    /// Reads the text as a `pmo-release.yml`.
    static func parse(
        _ yaml: String, environment: String? = nil, with files: [String: String] = [:]
    ) throws(ManifestError) -> Manifest {
        try read(from: FileTree(files.merging(["pmo-release.yml": yaml]) { $1 }), environment: environment)
    }
}

/// The error that reading ends in; nil where it succeeds.
func manifestError(_ body: () throws(ManifestError) -> Manifest) -> ManifestError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error
    }
}
