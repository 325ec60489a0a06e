import Glibc
import SystemPackage

/// Copies trees: by directory descriptors, no link followed, nothing replaced. Kept are bytes, permissions (no setuid),
/// links, empty directories and times of change; hard links become files of their own.
struct TreeCopy {
    /// More directories than that in each other are nobody's work.
    private static let deepest = 256

    /// What everything that is copied must keep to.
    let rules: OutputRules?
    /// How many files, links and directories were copied.
    private(set) var entries = 0
    /// How many bytes the files have.
    private(set) var bytes = 0

    init(rules: OutputRules? = nil) { self.rules = rules }

    /// Copies what has the name, with all that is below.
    ///
    /// - Parameter path: where it lies in the release, for errors and for the rules.
    mutating func copy(
        _ name: FilePath, at path: FilePath, from source: borrowing Directory, to target: borrowing Directory,
        below level: Int = 0
    ) throws(StoreError) {
        guard level < Self.deepest else { throw .stepOutput(path: path.string, fault: .tooDeep) }
        guard let status = try source.status(of: name) else {
            throw .system(action: "copy", path: source.path(of: name), code: ENOENT)
        }
        entries += 1
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try copyDirectory(name, at: path, from: source, to: target, below: level)
        case S_IFREG: try copyFile(name, at: path, from: source, to: target)
        case S_IFLNK: try copyLink(name, at: path, status, from: source, to: target, isOutput: level == 0)
        default: throw .stepOutput(path: path.string, fault: .special)
        }
    }

    private mutating func copyDirectory(
        _ name: FilePath, at path: FilePath, from source: borrowing Directory, to target: borrowing Directory,
        below level: Int
    ) throws(StoreError) {
        let old = try Directory(opening: name, in: source)
        guard try target.makeDirectory(name, mode: 0o700) else {
            throw .system(action: "make", path: target.path(of: name), code: EEXIST)
        }
        let new = try Directory(opening: name, in: target)
        for entry in try old.entries() {
            try copy(entry.name, at: path.pushing(entry.name), from: old, to: new, below: level + 1)
        }
        // Last, since each entry that is made changes the time, and its own mode may forbid to make any.
        try Self.finish(new.descriptor, like: try old.status(), new.path)
    }

    private mutating func copyFile(
        _ name: FilePath, at path: FilePath, from source: borrowing Directory, to target: borrowing Directory
    ) throws(StoreError) {
        let (from, to) = (source.descriptor, target.descriptor)
        let old = try checked("open", source.path(of: name)) {
            name.withPlatformString { openat(from, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        }
        defer { close(old) }
        var status = stat()
        try checked("look at", source.path(of: name)) { fstat(old, &status) }
        guard status.isFile else { throw .stepOutput(path: path.string, fault: .special) }
        try rules?.check(file: old, mode: status.st_mode, at: path)
        let place = target.path(of: name)
        let new = try checked("make", place) {
            name.withPlatformString {
                openat(to, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            }
        }
        defer { close(new) }
        _ = try FileClone.fill(new, from: old, size: Int(status.st_size), path: place)
        try Self.finish(new, like: status, place)
        bytes += Int(status.st_size)
    }

    private func copyLink(
        _ name: FilePath, at path: FilePath, _ status: stat, from source: borrowing Directory,
        to target: borrowing Directory, isOutput: Bool
    ) throws(StoreError) {
        var text = [CChar](repeating: 0, count: 4097)
        let (from, to) = (source.descriptor, target.descriptor)
        try checked("read", source.path(of: name)) {
            name.withPlatformString { Int32(readlinkat(from, $0, &text, text.count - 1)) }
        }
        let leads = FilePath(platformString: text)
        try rules?.check(link: leads, at: path, depth: path.components.count - 1, isOutput: isOutput)
        let place = target.path(of: name)
        // The text itself: a path would lose doubled slashes.
        try checked("link", place) { name.withPlatformString { symlinkat(text, to, $0) } }
        try checked("set the time of", place) {
            name.withPlatformString { utimensat(to, $0, [status.st_mtim, status.st_mtim], AT_SYMLINK_NOFOLLOW) }
        }
    }

    private static func finish(_ descriptor: Int32, like status: stat, _ path: FilePath) throws(StoreError) {
        try checked("set the mode of", path) { fchmod(descriptor, status.st_mode & 0o1777) }
        try checked("set the time of", path) { futimens(descriptor, [status.st_mtim, status.st_mtim]) }
    }
}
