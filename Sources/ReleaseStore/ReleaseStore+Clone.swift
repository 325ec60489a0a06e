import Glibc
public import ReleaseModel
import Synchronization
public import SystemPackage

extension ReleaseStore {
    /// Whether releases can share the blocks of files that are the same, as XFS and btrfs do.
    public var canShareBlocks: Bool { FileClone.canShare(in: app.releases) }

    /// A partial that has the files of a release.
    public struct Cloned: Sendable {
        /// The partial.
        public let partial: FilePath
        /// The release's index, with the stamps of the partial's files.
        public let index: IndexTable
        /// The paths of the index that were not brought, since somebody has written to them.
        public let missing: Set<[UInt8]>
        /// How they came.
        public let way: CloneWay
    }

    /// How a release's files come to another.
    public enum CloneWay: Sendable {
        /// All in one step, sharing their blocks: the partial is a snapshot of the release's subvolume (btrfs).
        case snapshot
        /// One by one, sharing their blocks, or most of them.
        case reflink
        /// As bytes of their own.
        case copy
    }

    /// Makes a deploy's partial with the files that a release has as they were exported: as clones that share blocks
    /// where the file system can, else as copies. What is later written to one is never seen in the other.
    ///
    /// - Parameter copying: whether to copy where blocks cannot be shared.
    /// - Returns: nil where the release's index cannot be used, or where blocks cannot be shared and copies are not
    ///   wanted; there is no partial then.
    public func clone(
        _ id: ReleaseID, deploy: Int, copying: Bool
    ) throws(StoreError) -> Cloned? {
        let layout = app.release(id)
        guard copying || FileClone.canShare(in: app.releases) else { return nil }
        guard let index = IndexTable(reading: layout.index), index.count > 0 else { return nil }
        if !copying, let snapshot = try snapshot(of: layout.root, index, deploy: deploy) { return snapshot }
        let partial = try makePartial(deploy: deploy)
        guard let clone = try TreeClone.run(index, from: layout.root, to: partial, copying: copying) else {
            try discard(partial: partial)
            return nil
        }
        return Cloned(
            partial: partial, index: clone.index, missing: clone.missing, way: clone.shared > 0 ? .reflink : .copy)
    }

    /// - Returns: nil where the release is no subvolume; there is no partial then.
    private func snapshot(
        of release: FilePath, _ index: IndexTable, deploy: Int
    ) throws(StoreError) -> Cloned? {
        let partial = app.partial(deploy)
        try TreeRemoval.remove(partial)
        guard try Subvolume.snapshot(of: Directory(opening: release, following: false), at: partial) else { return nil }
        return Cloned(partial: partial, index: index, missing: try bringBack(partial, to: index), way: .snapshot)
    }
}

/// Brings the files of an index from one tree to another, a directory at a time on every core.
private struct TreeClone {
    private let index: IndexTable
    private let copying: Bool

    struct Outcome {
        var index: IndexTable
        var missing: Set<[UInt8]> = []
        var shared = 0
    }

    /// - Returns: nil where blocks cannot be shared and a copy is not wanted.
    static func run(
        _ index: IndexTable, from source: FilePath, to target: FilePath, copying: Bool
    ) throws(StoreError) -> Outcome? {
        let clone = TreeClone(index: index, copying: copying)
        let from = try Directory(opening: source, following: false)
        let to = try Directory(opening: target, following: false)
        try clone.makeDirectories(in: to)
        let outcome = Mutex<Outcome?>(Outcome(index: index))
        try Parallel.forEach(below: index.directories.count) { (number) throws(StoreError) in
            guard outcome.withLock({ $0 != nil }) else { return }
            let brought = try clone.bring(index.directories[number], from: from, to: to)
            outcome.withLock { outcome in
                guard let brought else { return outcome = nil }
                outcome?.missing.formUnion(brought.missing)
                outcome?.shared += brought.shared
                outcome?.index.entries.replaceSubrange(index.directories[number].entries, with: brought.entries)
            }
        }
        return outcome.withLock { $0 }
    }

    /// Makes every directory; nobody else is in the target yet.
    private func makeDirectories(in target: borrowing Directory) throws(StoreError) {
        let root = target.descriptor
        var made: Set<[UInt8]> = []
        for directory in index.directories where !directory.path.isEmpty {
            for end in directory.path.indices + [directory.path.endIndex]
            where end == directory.path.endIndex || directory.path[end] == UInt8(ascii: "/") {
                let path = Array(directory.path[..<end])
                guard made.insert(path).inserted else { continue }
                let text = path.map { CChar(bitPattern: $0) } + [0]
                let place = target.path(of: FilePath(String(decoding: path, as: UTF8.self)))
                try checked("make", place) { mkdirat(root, text, 0o755) }
                // The umask took its part away.
                try checked("set the mode of", place) { fchmodat(root, text, 0o755, 0) }
            }
        }
    }

    private struct Brought {
        var entries: ArraySlice<IndexTable.Entry>
        var missing: [[UInt8]] = []
        var shared = 0
    }

    /// How a file came.
    private enum Arrival { case shared, copied, missing, refused }

    private func bring(
        _ directory: IndexTable.Directory, from source: borrowing Directory, to target: borrowing Directory
    ) throws(StoreError) -> Brought? {
        var brought = Brought(entries: index.entries[directory.entries])
        guard let from = try Directory(ifThere: directory.path, beneath: source) else {
            brought.missing = brought.entries.map { index.path(of: $0, in: directory.path) }
            return brought
        }
        let to = try Directory(opening: directory.path, beneath: target)
        for number in directory.entries {
            switch try bring(&brought.entries[number], from: from, to: to) {
            case .shared: brought.shared += 1
            case .copied: break
            case .missing: brought.missing.append(index.path(of: index.entries[number], in: directory.path))
            case .refused: return nil
            }
        }
        return brought
    }

    private func bring(
        _ entry: inout IndexTable.Entry, from source: borrowing Directory, to target: borrowing Directory
    ) throws(StoreError) -> Arrival {
        let known = entry
        let from = source.descriptor
        return try index.withName(of: known) { (name) throws(StoreError) in
            known.mode == .link
                ? try bringLink(&entry, name, from, to: target) : try bringFile(&entry, name, from, to: target)
        }
    }

    private func bringFile(
        _ entry: inout IndexTable.Entry, _ name: UnsafePointer<CChar>, _ source: Int32, to target: borrowing Directory
    ) throws(StoreError) -> Arrival {
        let known = entry
        let directory = target.descriptor
        let from = openat(source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard from >= 0 else { return .missing }
        defer { close(from) }
        var status = stat()
        guard fstat(from, &status) == 0, status.isFile else { return .missing }
        // A file that differs already is not worth its bytes, where these are copied.
        if copying, !known.matches(status) { return .missing }
        let mode = mode_t(known.mode.number & 0o777)
        let to = try checked("make", path(of: known, in: target)) {
            openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        }
        defer { close(to) }
        var arrival = Arrival.copied
        if known.size > 0 {
            switch try FileClone.fill(to, from: from, size: known.size, path: path(of: known, in: target)) {
            case .reflink: arrival = .shared
            case .copy: guard copying else { return .refused }
            }
        }
        // Somebody may have written to it meanwhile.
        guard fstat(from, &status) == 0, known.matches(status) else {
            try checked("remove", path(of: known, in: target)) { unlinkat(directory, name, 0) }
            return .missing
        }
        try checked("look at", path(of: known, in: target)) { fstat(to, &status) }
        if status.st_mode & 0o7777 != mode {
            try checked("set the mode of", path(of: known, in: target)) { fchmod(to, mode) }
            try checked("look at", path(of: known, in: target)) { fstat(to, &status) }
        }
        entry.stamp(status)
        return arrival
    }

    private func bringLink(
        _ entry: inout IndexTable.Entry, _ name: UnsafePointer<CChar>, _ source: Int32, to target: borrowing Directory
    ) throws(StoreError) -> Arrival {
        let known = entry
        let directory = target.descriptor
        var status = stat()
        guard fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) == 0, known.matches(status) else { return .missing }
        var text = [CChar](repeating: 0, count: 4097)
        guard readlinkat(source, name, &text, text.count - 1) == known.size else { return .missing }
        try checked("link", path(of: known, in: target)) { symlinkat(text, directory, name) }
        try checked("look at", path(of: known, in: target)) {
            fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW)
        }
        entry.stamp(status)
        return .copied
    }

    private func path(of entry: IndexTable.Entry, in directory: borrowing Directory) -> FilePath {
        directory.path(of: FilePath(String(decoding: index.name(of: entry), as: UTF8.self)))
    }
}
