import Glibc
public import SystemPackage

/// What stands in a release, so that a second look tells what a command has changed there meanwhile: a file that was
/// written to, made anew, or given another mode, and whatever came or went. `.pmo` is no part of it. Some 150 bytes of
/// memory an entry.
public struct TreeSnapshot: Sendable {
    /// What lstat(2) says of an entry, as far as a change shows in it.
    private struct Stamp: Equatable {
        let mode: mode_t
        let inode: UInt64
        let size: Int
        let modified: Int
        let changed: Int
        let names: Int
        /// What is in the file, where its times do not tell.
        var content: String?

        /// The same but for the time at which it last changed, which is also that of getting another name, or losing one.
        func isRenamed(from other: Stamp) -> Bool {
            names != other.names
                && (mode, inode, size, modified) == (other.mode, other.inode, other.size, other.modified)
                && content == other.content
        }

        init(_ status: stat) {
            mode = status.st_mode
            // A directory changes with all that is made in it, which has stamps of its own.
            let isDirectory = status.isDirectory
            inode = isDirectory ? 0 : UInt64(status.st_ino)
            size = isDirectory ? 0 : Int(status.st_size)
            modified = isDirectory ? 0 : status.contentTime
            changed = isDirectory ? 0 : status.changeTime
            names = isDirectory ? 0 : Int(status.st_nlink)
        }
    }

    private var stamps: [[UInt8]: Stamp] = [:]

    /// Looks at a release; no link is followed.
    ///
    /// - Parameter reading: hashes a file, where the times of files do not tell that they were written to.
    public init(_ release: FilePath, reading: ((FilePath) -> String?)? = nil) throws(StoreError) {
        guard let name = release.lastName else { return }
        var look = Look(reading: reading)
        try TreeWalk.walk(name, of: Directory(opening: release.directory), &look)
        stamps = look.stamps
    }

    /// Whether something had the path, relative to the release.
    public func contains(_ path: [UInt8]) -> Bool { stamps[path] != nil }

    /// Whether it is a directory of mode 755.
    public func isUsualDirectory(_ path: [UInt8]) -> Bool { stamps[path]?.mode == S_IFDIR | 0o755 }

    /// The paths of what is not the same in both, sorted by bytes.
    ///
    /// - Parameter isSame: whether a file is what it was that has got or lost another name between.
    public func differences(
        from earlier: TreeSnapshot, isSame: (_ path: [UInt8]) -> Bool = { _ in false }
    ) -> [[UInt8]] {
        var paths = stamps.filter { path, stamp in
            guard let before = earlier.stamps[path], stamp != before else { return earlier.stamps[path] == nil }
            return !(stamp.isRenamed(from: before) && isSame(path))
        }.map(\.key)
        paths += earlier.stamps.keys.filter { stamps[$0] == nil }
        return paths.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private struct Look: TreeVisitor {
        private let reading: ((FilePath) -> String?)?
        private(set) var stamps: [[UInt8]: Stamp] = [:]
        /// Where in `path` each directory's name begins that the way has led into.
        private var begins: [Int] = []
        private var path: [UInt8] = []

        init(reading: ((FilePath) -> String?)?) { self.reading = reading }

        mutating func enter(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) -> Directory? {
            guard !begins.isEmpty else {
                begins.append(0)
                return try Directory(opening: name, in: parent)
            }
            if begins.count == 1, name == ".pmo" { return nil }
            let length = path.count
            push(name)
            if let status = try parent.status(of: name) { stamps[path] = Stamp(status) }
            do throws(StoreError) {
                let directory = try Directory(opening: name, in: parent)
                begins.append(length)
                return directory
            } catch .system(_, _, EACCES) {
                // Its mode is a part of what is seen; what is in it is not.
                path.removeSubrange(length...)
                return nil
            }
        }

        mutating func visit(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
            guard let status = try parent.status(of: name) else { return }
            let length = path.count
            push(name)
            var stamp = Stamp(status)
            if let reading, status.isFile { stamp.content = reading(parent.path.pushing(name)) }
            stamps[path] = stamp
            path.removeSubrange(length...)
        }

        mutating func leave(_ name: FilePath, of parent: borrowing Directory) {
            path.removeSubrange(begins.removeLast()...)
        }

        private mutating func push(_ name: FilePath) {
            if !path.isEmpty { path.append(UInt8(ascii: "/")) }
            name.withPlatformString { path += UnsafeRawBufferPointer(start: $0, count: strlen($0)) }
        }
    }
}
