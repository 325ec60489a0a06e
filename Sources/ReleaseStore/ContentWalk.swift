import Glibc
public import ReleaseModel
public import SystemPackage

/// What somebody finds at some paths of a release: all that is there and below, by name, and behind links what these
/// lead to, as far as that is in the release. Nothing is opened but directories.
public struct ContentWalk {
    /// What stands at a path.
    public enum Entry: Equatable {
        case file
        case directory
        /// The target, byte for byte.
        case link(to: [UInt8])
        /// A fifo, a socket, or a directory that this process may not read.
        case other
        /// What cannot be looked at from here: a path that is longer than the system takes.
        case unreachable
        /// A directory that a link leads to and that was seen before, at that path.
        case seen([UInt8])
    }

    private let release: FilePath
    private let aliases: [FilePath]
    private let visit: (_ path: [UInt8], _ place: [UInt8], Entry) throws -> Void
    private let following: Bool
    private let ignoringBytecode: Bool
    /// Where in the release links led, also to what is not there: something may have been there before.
    public private(set) var reached: Set<[UInt8]> = []
    private var seen: Set<[UInt8]> = []
    private var chain: Set<[UInt8]> = []

    /// A walk.
    ///
    /// - Parameters:
    ///   - aliases: other paths that a link may mean the release by.
    ///   - following: whether what a link at the end leads to is seen as well.
    ///   - ignoringBytecode: leaves out `__pycache__`, what Python keeps of the modules that it has read.
    ///   - visit: is given what was found, the path by which, and where that is in the release.
    public init(
        _ release: FilePath, aliases: [FilePath], following: Bool, ignoringBytecode: Bool,
        visit: @escaping (_ path: [UInt8], _ place: [UInt8], Entry) throws -> Void
    ) {
        (self.release, self.aliases, self.visit) = (release, aliases, visit)
        (self.following, self.ignoringBytecode) = (following, ignoringBytecode)
    }

    /// Sees what a pattern names.
    public mutating func walk(_ pattern: PathPattern) throws {
        guard !pattern.parts.isEmpty else { return try walkDirectory([], []) }
        var directories: [(path: [UInt8], place: [UInt8])] = [([], [])]
        for (number, part) in pattern.parts.enumerated() {
            var below: [(path: [UInt8], place: [UInt8])] = []
            for directory in directories {
                for name in try part.hasStar ? names(in: directory.place).filter(part.matches) : [Array(part.text.utf8)]
                {
                    let found = (path: directory.path.appending(name), place: directory.place.appending(name))
                    if number == pattern.parts.count - 1 {
                        try walk(found.path, found.place)
                    } else if let status = status(found.place) {
                        if status.isLink { try visit(found.path, found.place, link(found.place)) }
                        let place = status.isLink ? try resolve(found.place) : found.place
                        if let place, self.status(place)?.isDirectory == true {
                            below.append((found.path, place))
                        } else {
                            // It stands in the way of what is meant.
                            try visit(found.path, found.place, .other)
                        }
                    } else {
                        reached.insert(found.place)
                    }
                }
            }
            directories = below
        }
    }

    private mutating func walk(_ path: [UInt8], _ place: [UInt8]) throws {
        guard let status = status(place) else {
            if errno == ENAMETOOLONG { try visit(path, place, .unreachable) }
            reached.insert(place)
            return
        }
        if status.isDirectory { return try walkDirectory(path, place) }
        guard status.isLink else { return try visit(path, place, status.isFile ? .file : .other) }
        try visit(path, place, link(place))
        guard following, let target = try resolve(place), let found = self.status(target) else { return }
        guard found.isDirectory else { return try walk(path, target) }
        // Round in a circle, or there again by another link: it is described once.
        guard !chain.contains(target), seen.insert(target).inserted else {
            return try visit(path, target, .seen(target))
        }
        try walkDirectory(path, target)
    }

    private mutating func walkDirectory(_ path: [UInt8], _ place: [UInt8]) throws {
        if !path.isEmpty { try visit(path, place, .directory) }
        guard let names = try? names(in: place) else { return try visit(path, place, .other) }
        let isNew = chain.insert(place).inserted
        defer { if isNew { chain.remove(place) } }
        for name in names { try walk(path.appending(name), place.appending(name)) }
    }

    /// Sorted by bytes; without `.pmo`.
    private func names(in place: [UInt8]) throws -> [[UInt8]] {
        var names: [[UInt8]] = []
        guard status(place)?.isDirectory == true else { return [] }
        try Directory(opening: release.appending(bytes: place), following: false).forEachEntry { name, _ in
            names.append(Array(UnsafeRawBufferPointer(start: name, count: strlen(name))))
        }
        names.removeAll {
            ignoringBytecode && $0.elementsEqual("__pycache__".utf8) || place.isEmpty && $0.elementsEqual(".pmo".utf8)
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func status(_ place: [UInt8]) -> stat? { release.appending(bytes: place).status(following: false) }

    private func link(_ place: [UInt8]) -> Entry {
        release.appending(bytes: place).linkTarget.map { .link(to: $0.bytes) } ?? .other
    }

    /// Where a link of the release leads in it, all links followed, and those on the way seen; nil where that is
    /// elsewhere, or nowhere.
    private mutating func resolve(_ place: [UInt8]) throws -> [UInt8]? {
        var ahead = Array(FilePath(bytes: place).components.reversed())
        var way: [FilePath.Component] = []
        var links = 0
        while let next = ahead.popLast() {
            if next.kind == .currentDirectory { continue }
            if next.kind == .parentDirectory {
                guard way.popLast() != nil else { return nil }
                continue
            }
            let path = FilePath(root: nil, way + [next])
            guard let status = status(path.bytes) else {
                reached.insert(path.bytes)
                return nil
            }
            guard status.isLink else {
                way.append(next)
                continue
            }
            links += 1
            guard links <= 40, let target = release.pushing(path).linkTarget else { return nil }
            if links > 1 { try visit(path.bytes, path.bytes, link(path.bytes)) }
            var rest = target.components[...]
            if target.isAbsolute {
                guard let own = (aliases + [release]).first(where: target.starts(with:)) else { return nil }
                rest = rest.dropFirst(own.components.count)
                way = []
            }
            ahead += rest.reversed()
        }
        let end = FilePath(root: nil, way).bytes
        reached.insert(end)
        return end
    }
}

extension FilePath {
    fileprivate var bytes: [UInt8] {
        withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
    }
}

extension [UInt8] {
    fileprivate func appending(_ name: [UInt8]) -> [UInt8] {
        isEmpty ? name : self + [UInt8(ascii: "/")] + name
    }
}
