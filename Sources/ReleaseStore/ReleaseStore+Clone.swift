import Glibc
public import ReleaseModel
public import SystemPackage

extension ReleaseStore {
    /// A partial that has the files of a release.
    public struct Cloned: Sendable {
        /// The partial.
        public let partial: FilePath
        /// The files that it has, as they are there.
        public let files: [IndexedFile]
        /// The paths that were exported into the release and were not brought, since somebody has written to them.
        public let missing: Set<[UInt8]>
        /// How many share their blocks with the release's.
        public let shared: Int
    }

    /// Makes a deploy's partial with the files that a release has as they were exported: as clones that share blocks
    /// where the file system can (`FICLONE`), else as copies. What is later written to one is never seen in the other.
    ///
    /// - Parameter copying: whether to copy where blocks cannot be shared.
    /// - Returns: nil where the release's index cannot be used, or where blocks cannot be shared and copies are not
    ///   wanted; there is no partial then.
    public func clone(
        _ id: ReleaseID, deploy: Int, copying: Bool
    ) throws(StoreError) -> Cloned? {
        let layout = app.release(id)
        guard copying || FileClone.canShare(in: app.releases) else { return nil }
        guard let files = ReleaseIndex.read(layout.index), !files.isEmpty else { return nil }
        let partial = try makePartial(deploy: deploy)
        var clone = try TreeClone(from: layout.root, to: partial, copying: copying)
        for file in files {
            guard try clone.bring(file) else {
                try discard(partial: partial)
                return nil
            }
        }
        return Cloned(partial: partial, files: clone.brought, missing: clone.missing, shared: clone.shared)
    }
}

/// Brings files from one tree to another, file by file, by the descriptors of the two directories that it is in.
private struct TreeClone {
    private let source: FilePath
    private let target: FilePath
    private let copying: Bool
    private var place: (path: [UInt8], from: Int32, to: Int32)
    private(set) var brought: [IndexedFile] = []
    private(set) var missing: Set<[UInt8]> = []
    private(set) var shared = 0
    private let ends: Ends

    /// Closes what is open at the end.
    private final class Ends {
        var open: [Int32] = []
        deinit { for descriptor in open { close(descriptor) } }
    }

    init(from source: FilePath, to target: FilePath, copying: Bool) throws(StoreError) {
        self.source = source
        self.target = target
        self.copying = copying
        ends = Ends()
        place = ([], try Self.open(source), -1)
        ends.open = [place.from]
        place.to = try Self.open(target)
        ends.open.append(place.to)
    }

    /// Brings one; a file that is not as it was exported is noted as missing.
    ///
    /// - Returns: false where blocks cannot be shared and a copy is not wanted.
    mutating func bring(_ file: IndexedFile) throws(StoreError) -> Bool {
        let slash = file.path.lastIndex(of: UInt8(ascii: "/"))
        let parent = slash.map { Array(file.path[..<$0]) } ?? []
        let name = file.path[(slash.map { $0 + 1 } ?? 0)...].map { CChar(bitPattern: $0) } + [0]
        guard try enter(parent) else {
            missing.insert(file.path)
            return true
        }
        var status = stat()
        guard fstatat(place.from, name, &status, AT_SYMLINK_NOFOLLOW) == 0, file.matches(status) else {
            missing.insert(file.path)
            return true
        }
        return file.mode == 0o120000 ? try bringLink(file, name) : try bringFile(file, name)
    }

    private mutating func bringFile(_ file: IndexedFile, _ name: [CChar]) throws(StoreError) -> Bool {
        let from = openat(place.from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard from >= 0 else {
            missing.insert(file.path)
            return true
        }
        defer { close(from) }
        let mode = mode_t(file.mode & 0o777)
        let to = try checked("make", path(of: file)) {
            openat(place.to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        }
        defer { close(to) }
        switch try FileClone.fill(to, from: from, size: file.size, path: path(of: file)) {
        case .reflink: shared += 1
        case .copy: guard copying || file.size == 0 else { return false }
        }
        try checked("set the mode of", path(of: file)) { fchmod(to, mode) }
        // Somebody may have written to it meanwhile.
        var status = stat()
        guard fstat(from, &status) == 0, file.matches(status) else {
            try checked("remove", path(of: file)) { unlinkat(place.to, name, 0) }
            missing.insert(file.path)
            return true
        }
        try checked("look at", path(of: file)) { fstat(to, &status) }
        brought.append(file.stamped(status))
        return true
    }

    private mutating func bringLink(_ file: IndexedFile, _ name: [CChar]) throws(StoreError) -> Bool {
        var text = [CChar](repeating: 0, count: 4097)
        let length = readlinkat(place.from, name, &text, text.count - 1)
        guard length == file.size else {
            missing.insert(file.path)
            return true
        }
        try checked("link", path(of: file)) { symlinkat(text, place.to, name) }
        var status = stat()
        try checked("look at", path(of: file)) { fstatat(place.to, name, &status, AT_SYMLINK_NOFOLLOW) }
        brought.append(file.stamped(status))
        return true
    }

    /// Opens the directory in both trees, where it is not the one that is open; false where the source has it no more.
    private mutating func enter(_ path: [UInt8]) throws(StoreError) -> Bool {
        guard path != place.path else { return true }
        var from = try Self.open(source)
        var to = try Self.open(target)
        defer {
            if from >= 0 { close(from) }
            if to >= 0 { close(to) }
        }
        for part in path.split(separator: UInt8(ascii: "/")) {
            let name = part.map { CChar(bitPattern: $0) } + [0]
            let below = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard below >= 0 else { return false }
            close(from)
            from = below
            if mkdirat(to, name, 0o755) == 0 { fchmodat(to, name, 0o755, 0) }
            let made = try checked("open", target) {
                openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            close(to)
            to = made
        }
        for descriptor in ends.open { close(descriptor) }
        place = (path, from, to)
        ends.open = [from, to]
        (from, to) = (-1, -1)
        return true
    }

    private static func open(_ path: FilePath) throws(StoreError) -> Int32 {
        try checked("open", path) {
            path.withPlatformString { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        }
    }

    private func path(of file: IndexedFile) -> FilePath {
        target.appending(String(decoding: file.path, as: UTF8.self))
    }
}

extension IndexedFile {
    fileprivate func stamped(_ status: stat) -> IndexedFile {
        var file = self
        file.inode = UInt64(status.st_ino)
        file.modified = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        file.changed = status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec
        return file
    }
}
