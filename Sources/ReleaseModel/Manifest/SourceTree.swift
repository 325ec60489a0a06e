/// What the reader of a manifest may ask about a pushed tree or a work tree. Paths are relative to its root and
/// have `/` between their parts.
public protocol SourceTree {
    /// Whether a file or directory stands at the path.
    func exists(_ path: String) -> Bool
    /// The bytes of the file at the path; nil where there is none. At most 1 MiB is read.
    func contents(_ path: String) -> [UInt8]?
    /// The names in the root, sorted.
    func rootNames() -> [String]
    /// The names in the directory at the path, in no order; none where there is no directory.
    func names(in path: String) -> [String]
}

extension SourceTree {
    /// Whether something stands at a path that the pattern names.
    func holds(_ pattern: PathPattern) -> Bool {
        guard pattern.hasStar else { return pattern.path == .root || exists(pattern.text) }
        var found = [""]
        for part in pattern.parts {
            found = found.flatMap { directory in
                let names = part.hasStar ? names(in: directory.isEmpty ? "." : directory) : [part.text]
                return names.filter(part.matches).map { directory.isEmpty ? $0 : "\(directory)/\($0)" }
            }.filter(exists)
        }
        return !found.isEmpty
    }
}
