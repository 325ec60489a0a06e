import GitRepository
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

/// What build steps have done to a release so far, and so what stands at its paths: what was exported, what a step with
/// a key has made, or what is only known by its content.
struct BuildHistory {
    private enum Event {
        /// A step's outputs are there, made just now or brought in; what they are, hashed.
        case outputs([PathPattern], content: String)
        /// Something else was changed.
        case changes(Set<[UInt8]>)
    }

    private let release: FilePath
    /// Where steps find it.
    private let aliases: [FilePath]
    private let exported: [[UInt8]: String]
    /// Hashes a file, where the times of files do not tell that they were written to.
    private let reading: ((FilePath) -> String?)?
    private var events: [Event] = []
    /// How the release is now; nil where that is not known.
    private var latest: TreeSnapshot?
    private var before: TreeSnapshot?

    /// - Parameters:
    ///   - release: exported and configured, with an index.
    ///   - isRead: whether any key will be asked for.
    ///   - rendered: the files that are no longer as they were exported.
    ///   - aliases: the paths by which steps know the release.
    init(of release: FilePath, isRead: Bool, rendered: [ReleasePath], aliases: [FilePath]) {
        self.release = release
        self.aliases = aliases
        reading = FileStamps.showWrites(at: release) ? nil : { try? ContentID.of(file: $0) }
        var exported: [[UInt8]: String] = [:]
        if isRead, let index = IndexTable(reading: ReleaseLayout(root: release).index) {
            for file in index.files { exported[file.path] = "\(String(file.mode, radix: 8)) \(file.blob)" }
        }
        for path in rendered { exported[Array(path.text.utf8)] = nil }
        self.exported = exported
    }

    /// What a step has done beside its outputs.
    struct Beside {
        /// What stood there before it.
        let altered: [[UInt8]]
        /// What did not, none of it in another.
        let new: [[UInt8]]
    }

    /// A step is about to run whose changes are of interest.
    mutating func begin() throws {
        before = try latest ?? TreeSnapshot(release, reading: reading)
        latest = nil
    }

    /// A step has run that does not say what it makes.
    mutating func add() throws {
        let now = try TreeSnapshot(release, reading: reading)
        if let before { events.append(.changes(Set(changes(before, now)))) }
        latest = now
    }

    /// A step has run that does. Until it is known whether its outputs are kept, they are known by their content.
    ///
    /// - Throws: `stepOutput` where it has not made all of its outputs.
    mutating func add(_ outputs: [PathPattern]) throws -> Beside {
        guard let before else { return Beside(altered: [], new: []) }
        let now = try TreeSnapshot(release, reading: reading)
        let changes = changes(before, now)
        events.append(.changes(Set(changes)))
        latest = now
        let names = changes.map(\.names)
        let made = try StepStore.check(outputs, in: release) { output in names.contains { output.covers($0) } }
        let above = Set((made ?? []).flatMap { Array($0.text.utf8).ancestors })
        var altered: [[UInt8]] = []
        var new: [[UInt8]] = []
        for (path, names) in zip(changes, names) where !outputs.contains(where: { $0.covers(names) }) {
            if before.contains(path) {
                altered.append(path)
            } else if made == nil ? !outputs.contains(where: { $0.lies(in: names) }) : !above.contains(path) {
                new.append(path)
            } else if !now.isUsualDirectory(path) {
                // Above an output; brought in, it has the usual mode.
                altered.append(path)
            }
        }
        return Beside(altered: altered, new: Self.outermost(new))
    }

    /// The paths of what a step has changed. One that has only been given another name, or has lost one, is read: its
    /// times do not tell whether it was written to as well.
    private func changes(_ before: TreeSnapshot, _ now: TreeSnapshot) -> [[UInt8]] {
        now.differences(from: before) { path in
            // What an earlier step has made is not known file by file.
            guard case nil = lastEvent(at: path), let known = exported[path] else { return true }
            // A link cannot be written to.
            return known.hasPrefix("120000 ") || content(path) == known
        }
    }

    /// The outputs of the step that was added last are kept: they are known by the content of all.
    mutating func keep(_ outputs: [PathPattern], content: String) {
        events.removeLast()
        bring(outputs, content: content)
    }

    /// A step's outputs were brought in.
    mutating func bring(_ outputs: [PathPattern], content: String) {
        events.append(.outputs(outputs, content: content))
        latest = nil
    }

    /// What stands at some paths, hashed; of links where they lead, and not what is there.
    func content(of patterns: [PathPattern]) throws -> String {
        var text = KeyText("outputs 1")
        try add(patterns, following: false, to: &text)
        return try text.key()
    }

    /// A step has run at which nobody looked.
    mutating func forget() { latest = nil }

    /// Adds to a key what stands at some paths and below them.
    ///
    /// - Parameters:
    ///   - onlyMade: leaves out what is as it was exported.
    ///   - following: whether what links lead to counts as well.
    ///   - ignoringBytecode: leaves out what Python keeps of its modules.
    func add(
        _ patterns: [PathPattern], onlyMade: Bool = false, following: Bool = true, ignoringBytecode: Bool = false,
        to text: inout KeyText
    ) throws {
        var added = text
        var walk = ContentWalk(
            release, aliases: aliases, following: following, ignoringBytecode: ignoringBytecode
        ) { path, place, entry in
            let (content, isExported) = self.content(entry, at: place)
            guard !(onlyMade && isExported) else { return }
            added.add("path", path)
            added.add("content", content)
        }
        for pattern in patterns {
            added.add("at", pattern.text)
            try walk.walk(pattern)
        }
        if onlyMade {
            for path in gone(patterns, behindLinks: walk.reached) { added.add("gone", path) }
        }
        text = added
    }

    /// What was exported at some paths, or where links of theirs lead, and was removed by a step.
    private func gone(_ patterns: [PathPattern], behindLinks places: Set<[UInt8]>) -> [[UInt8]] {
        func isMeant(_ path: [UInt8]) -> Bool {
            patterns.contains { $0.covers(path.names) } || places.contains(path) || places.contains([])
                || path.ancestors.contains(where: places.contains)
        }
        var status = stat()
        return doubtful().filter { isMeant($0) }.filter {
            release.appending(bytes: $0).withPlatformString { lstat($0, &status) } != 0
        }
        .sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// What was exported, and may have been removed: by a step, or to give way to outputs.
    private func doubtful() -> Set<[UInt8]> {
        var doubtful: Set<[UInt8]> = []
        for event in events {
            switch event {
            case .changes(let paths): doubtful.formUnion(paths.filter { exported[$0] != nil })
            case .outputs(let outputs, _):
                for output in outputs {
                    // The names before the first star tell most paths apart at once.
                    let start = Array(output.parts.prefix { !$0.hasStar }.map(\.text).joined(separator: "/").utf8)
                    doubtful.formUnion(exported.keys.filter { $0.starts(with: start) && output.covers($0.names) })
                }
            }
        }
        return doubtful
    }

    private func content(_ entry: ContentWalk.Entry, at place: [UInt8]) -> (content: [UInt8], isExported: Bool) {
        let known = exported[place]
        let event = lastEvent(at: place)
        let isUntouched = if case nil = event { true } else { false }
        switch entry {
        case .other: return (Array("other".utf8), false)
        // Different in each deploy: nobody knows whether it is the same.
        case .unreachable: return (Array("unreachable \(release)".utf8), false)
        case .seen(let path): return (Array("as ".utf8) + path, true)
        case .link(let target):
            return (Array("link ".utf8) + target, isUntouched && known?.hasPrefix("120000") == true)
        case .directory, .file: break
        }
        switch event {
        case .outputs(_, let content): return (Array("made \(content)".utf8), false)
        case .changes: return (Array(self.content(place).utf8), false)
        case nil where entry == .directory: return (Array("directory".utf8), true)
        case nil: return known.map { (Array($0.utf8), true) } ?? (Array(self.content(place).utf8), false)
        }
    }

    private func lastEvent(at place: [UInt8]) -> Event? {
        let names = place.names
        return events.last { event in
            switch event {
            case .outputs(let outputs, _): outputs.contains { $0.covers(names) }
            case .changes(let paths): paths.contains(place)
            }
        }
    }

    /// A file by its bytes, a directory by its mode.
    private func content(_ place: [UInt8]) -> String {
        let path = release.appending(bytes: place)
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else { return "unknown" }
        let mode = String(status.st_mode, radix: 8)
        guard status.st_mode & S_IFMT == S_IFREG else { return mode }
        return "\(mode) \((try? ContentID.of(file: path)) ?? "unreadable")"
    }

    private static func outermost(_ paths: [[UInt8]]) -> [[UInt8]] {
        let all = Set(paths)
        return paths.filter { path in !path.ancestors.contains(where: all.contains) }
    }
}

extension [UInt8] {
    fileprivate var names: [ArraySlice<UInt8>] { split(separator: UInt8(ascii: "/")) }
    /// The directories that a path lies in, the outermost first.
    fileprivate var ancestors: [[UInt8]] { indices.filter { self[$0] == UInt8(ascii: "/") }.map { Array(self[..<$0]) } }
}
