/// What a manifest's reader may ask about a tree, pushed or on disk.
public protocol SourceTree {
    /// Whether there is a file or a directory at a path, relative with `/` between its parts.
    func exists(_ path: String) -> Bool
    /// The first MiB of the file at a path; nil where there is no file.
    func contents(_ path: String) -> [UInt8]?
    /// The names in the root, sorted.
    func rootNames() -> [String]
}
