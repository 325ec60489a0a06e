import Glibc
public import ReleaseModel
public import SystemPackage

/// The links in what a site serves. nginx opens whatever one leads to, by rights that the build has not: one that leads
/// to another app's files would have them served (A06).
///
/// Links are followed as they will lead once the release has its final name.
public struct ServedLinks {
    /// A link that leads where no site may serve from.
    public struct Outward: Equatable, Sendable {
        /// In the release.
        public let path: FilePath
        /// Byte for byte, as the link has it.
        public let target: FilePath
    }

    /// As many as Linux follows in one path (path_resolution(7)).
    private static let longestChain = 40
    /// A directory's path is told up to there (``Directory/path(of:)``).
    private static let longestPath = 1000
    /// Where programs and libraries of the system are: a link to one is what an interpreter's environment has.
    private static let system: FilePath = "/usr"

    private let partial: FilePath
    private let final: FilePath
    private let shared: FilePath
    private var outward: Outward?
    private var seen: Set<FilePath> = []
    private var top: FilePath = "/"
    private var ahead: [FilePath] = []

    /// Looks for a link that leads neither into the release, its records aside, nor to the app's shared files, nor to
    /// the system's programs. What nginx serves to nobody, hidden names, is not gone through.
    ///
    /// - Parameters:
    ///   - root: the directory that is served.
    ///   - partial: the release, under construction.
    ///   - final: its path once it is complete.
    ///   - shared: the directory of the app's shared files.
    /// - Returns: the first that is found; nil where there is none.
    public static func firstOutward(
        in root: ReleasePath, of partial: FilePath, as final: FilePath, shared: FilePath
    ) throws(StoreError) -> Outward? {
        var links = ServedLinks(partial: real(partial), final: real(final), shared: real(shared))
        links.ahead = [root == .root ? links.partial : links.partial.appending(root.text)]
        while let next = links.ahead.popLast(), links.outward == nil {
            guard links.seen.insert(next).inserted, next.isRealDirectory, let name = next.lastName else { continue }
            links.top = next
            try TreeWalk.walk(name, of: try Directory(opening: next.directory), &links)
        }
        return links.outward
    }

    private init(partial: FilePath, final: FilePath, shared: FilePath) {
        self.partial = partial
        self.final = final
        self.shared = shared
    }

    private func inRelease(_ path: FilePath) -> FilePath {
        var path = path
        _ = path.removePrefix(partial)
        return path
    }

    private func isHidden(_ name: FilePath) -> Bool { name.string.hasPrefix(".") && name != ".well-known" }

    /// Where a path leads; what is not there is taken for a directory. Nil where its links lead in a circle.
    private func end(of path: FilePath) -> FilePath? {
        var end: FilePath = "/"
        var left = Array(path.components.reversed())
        var links = 0
        while let next = left.popLast() {
            guard next.kind != .parentDirectory else {
                end.removeLastComponent()
                continue
            }
            guard next.kind == .regular else { continue }
            let place = end.appending(next)
            if place == final {
                end = partial
            } else if let target = place.linkTarget {
                links += 1
                guard links <= Self.longestChain else { return nil }
                if target.isAbsolute { end = "/" }
                left += target.components.reversed()
            } else {
                end = place
            }
        }
        return end
    }

    /// The path with the links in its directory followed, not in itself.
    private static func real(_ path: FilePath) -> FilePath {
        guard let name = path.lastName, let resolved = realpath(path.directory.string, nil) else { return path }
        defer { free(resolved) }
        return FilePath(platformString: resolved).pushing(name)
    }
}

extension ServedLinks: TreeVisitor {
    mutating func enter(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) -> Directory? {
        guard outward == nil, !isHidden(name) || parent.path.pushing(name) == top else { return nil }
        return try Directory(opening: name, in: parent)
    }

    mutating func visit(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
        guard outward == nil, !isHidden(name) else { return }
        let link = parent.path.pushing(name)
        guard parent.path.length <= Self.longestPath else {
            // Its path is not known to the end, nor where a relative target leads.
            guard try parent.status(of: name)?.isLink == true else { return }
            return outward = Outward(path: inRelease(parent.path), target: "")
        }
        guard let target = link.linkTarget, let end = end(of: link) else { return }
        let isOwn = end.starts(with: partial) && !end.starts(with: ReleaseLayout(root: partial).private)
        if isOwn {
            // A directory behind it is served as well.
            ahead.append(end)
        } else if !end.starts(with: shared), !end.starts(with: Self.system) {
            outward = Outward(path: inRelease(link), target: target)
        }
    }

    func leave(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {}
}
