import Glibc

/// The packs of some object directories and of their alternates, as they are when one is first asked for. What comes
/// later, and what is loose, is libgit2's to find.
final class PackSet: @unchecked Sendable {
    /// More are not looked through: there libgit2 is as fast.
    private static let mostPacks = 256
    /// As deep as git follows alternates.
    private static let deepest = 5

    private let directories: [String]
    private let monitor = Monitor()
    private var opened: [PackFile]?

    /// - Parameter directories: `objects` directories.
    init(objects directories: [String]) {
        self.directories = directories
    }

    /// The packs, the largest first.
    var files: [PackFile] {
        monitor.locked {
            if let opened { return opened }
            let files = Self.open(directories)
            opened = files
            return files
        }
    }

    /// The directories that a hook is given for what was pushed, which lies in quarantine, and for what was there
    /// (`git help receive-pack`). A quoted path is left to libgit2.
    static func directoriesOfEnvironment() -> [String] {
        var directories: [String] = []
        if let own = getenv("GIT_OBJECT_DIRECTORY") { directories.append(String(cString: own)) }
        if let others = getenv("GIT_ALTERNATE_OBJECT_DIRECTORIES") {
            directories += String(cString: others).split(separator: ":").map(String.init).filter { !$0.hasPrefix("\"") }
        }
        return directories
    }

    private static func open(_ directories: [String]) -> [PackFile] {
        var seen: Set<String> = []
        var indexes: [String] = []
        for directory in directories { collect(directory, depth: 0, &seen, &indexes) }
        let packs = indexes.prefix(mostPacks).compactMap { PackFile(index: $0) }
        return packs.sorted { $0.bytes.count > $1.bytes.count }
    }

    private static func collect(
        _ directory: String, depth: Int, _ seen: inout Set<String>, _ indexes: inout [String]
    ) {
        guard depth <= deepest, let real = realpath(directory, nil) else { return }
        defer { free(real) }
        let path = String(cString: real)
        guard seen.insert(path).inserted else { return }
        indexes += names(in: "\(path)/pack").filter { $0.hasSuffix(".idx") }.map { "\(path)/pack/\($0)" }
        guard let alternates = MappedFile("\(path)/info/alternates") else { return }
        for line in alternates.bytes.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
            let other = String(decoding: line, as: UTF8.self)
            collect(other.hasPrefix("/") ? other : "\(path)/\(other)", depth: depth + 1, &seen, &indexes)
        }
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            names.append(name)
        }
        return names
    }
}
