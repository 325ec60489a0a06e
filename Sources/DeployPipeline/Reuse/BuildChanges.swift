import GitRepository
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

/// What build steps have changed in a release that no key tells of: all that a step without `inputs` has done, and what
/// one with them has done to files beside its outputs. What reads such a file has its content in its key.
struct BuildChanges {
    private let release: FilePath
    /// How the release is now; nil where that is not known.
    private var latest: TreeSnapshot?
    private var before: TreeSnapshot?
    private var paths: Set<[UInt8]> = []

    init(of release: FilePath) { self.release = release }

    /// What a step has done beside its outputs.
    struct Beside {
        /// Files that stood there before it.
        let altered: [[UInt8]]
        /// Files and directories that did not, none of them in another.
        let new: [[UInt8]]
    }

    /// A step is about to run whose changes are of interest.
    mutating func begin() throws {
        before = try latest ?? TreeSnapshot(release)
        latest = nil
    }

    /// Outputs were brought in, or a step has run that nobody looked at.
    mutating func forget() { latest = nil }

    /// A step has run that does not say what it makes.
    mutating func addAll() throws {
        guard let before else { return }
        let now = try TreeSnapshot(release)
        paths.formUnion(now.differences(from: before))
        latest = now
    }

    /// A step has run that does.
    ///
    /// - Throws: `stepOutput` where it has not made all of its outputs.
    mutating func add(outputs: [PathPattern]) throws -> Beside {
        guard let before else { return Beside(altered: [], new: []) }
        let now = try TreeSnapshot(release)
        latest = now
        let changes = now.differences(from: before)
        let names = changes.map(\.names)
        try StepStore.check(outputs, in: release) { output in
            names.contains { output.covers($0) || output.lies(in: $0) }
        }
        let beside = zip(changes, names).filter { change in
            !outputs.contains { $0.covers(change.1) || $0.lies(in: change.1) }
        }.map(\.0)
        let altered = beside.filter(before.contains)
        paths.formUnion(altered)
        return Beside(altered: altered, new: Self.outermost(beside.filter { !before.contains($0) }))
    }

    /// Adds to a key the content of what has changed at some paths and below them.
    ///
    /// - Returns: false where that cannot be told.
    func add(at patterns: [PathPattern], _ matches: [TreeMatch], to text: inout KeyText) -> Bool {
        guard !paths.isEmpty else { return true }
        let places = patterns + matches.compactMap(place)
        for path in paths.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let names = path.names
            let isInside = places.contains { $0.covers(names) }
            guard isInside || places.contains(where: { $0.lies(in: names) }) else { continue }
            guard let content = content(path) else { return false }
            // A step reads through a link in the place of a directory, and nobody knows what.
            if !isInside, content.hasPrefix("link") { return false }
            text.add("changed", path)
            text.add("to", content)
        }
        return true
    }

    /// Where a path of the tree leads in the release, if by links it leads elsewhere.
    private func place(_ match: TreeMatch) -> PathPattern? {
        guard let root = Self.realPath(release), let path = Self.realPath(release.appending(bytes: match.path)),
            path.starts(with: root), path != root.appending(bytes: match.path)
        else { return nil }
        return try? PathPattern(FilePath(root: nil, path.components.dropFirst(root.components.count)).string)
    }

    private static func realPath(_ path: FilePath) -> FilePath? {
        guard let resolved = path.withPlatformString({ realpath($0, nil) }) else { return nil }
        defer { free(resolved) }
        return FilePath(platformString: resolved)
    }

    /// What stands at a path now; nil where it cannot be read.
    private func content(_ path: [UInt8]) -> String? {
        let place = release.appending(bytes: path)
        var status = stat()
        guard place.withPlatformString({ lstat($0, &status) }) == 0 else { return "gone" }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return "directory"
        case S_IFLNK: return place.linkTarget.map { "link \($0)" }
        case S_IFREG:
            let mode = String(status.st_mode & 0o7777, radix: 8)
            return (try? ContentID.of(file: place)).map { "file \(mode) \($0)" }
        default: return nil
        }
    }

    private static func outermost(_ paths: [[UInt8]]) -> [[UInt8]] {
        let all = Set(paths)
        return paths.filter { path in
            path.indices.allSatisfy { path[$0] != UInt8(ascii: "/") || !all.contains(Array(path[..<$0])) }
        }
    }
}

extension [UInt8] {
    fileprivate var names: [ArraySlice<UInt8>] { split(separator: UInt8(ascii: "/")) }
}
