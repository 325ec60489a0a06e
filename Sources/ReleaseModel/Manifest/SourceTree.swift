/// A pushed tree, as far as reading a manifest needs to ask about it. Paths are relative to the tree's root,
/// with `/` between the names.
public protocol SourceTree {
    /// Whether a file or a directory stands at the path.
    func exists(_ path: String) -> Bool
    /// The bytes of the file at the path, nil where there is none; at most 1 MiB is read.
    func contents(_ path: String) -> [UInt8]?
    /// The names in the root, sorted by their bytes.
    func rootNames() -> [String]
}
