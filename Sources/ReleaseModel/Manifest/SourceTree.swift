/// What the reader of a manifest may ask about a pushed tree or a work tree. Paths are relative to its root and
/// have `/` between their parts.
public protocol SourceTree {
    /// Whether a file or directory stands at the path.
    func exists(_ path: String) -> Bool
    /// The bytes of the file at the path; nil where there is none. At most 1 MiB is read.
    func contents(_ path: String) -> [UInt8]?
    /// The names in the root, sorted.
    func rootNames() -> [String]
}
