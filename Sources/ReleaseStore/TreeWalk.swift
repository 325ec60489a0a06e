import Glibc
import SystemPackage

/// What is done on a way through a tree.
protocol TreeVisitor {
    /// Opens a directory; nil leaves it out.
    mutating func enter(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) -> Directory?
    /// Sees what is no directory.
    mutating func visit(_ name: FilePath, of parent: borrowing Directory) throws(StoreError)
    /// All below the directory has been seen.
    mutating func leave(_ name: FilePath, of parent: borrowing Directory) throws(StoreError)
}

/// A way through a tree of any depth with two open descriptors: down by name, never through a link, and up by `..`,
/// which must be the directory that it came from.
struct TreeWalk {
    private struct Level {
        let name: FilePath
        let path: FilePath
        let identity: FileIdentity
        var directories: [FilePath]
    }

    static func walk(
        _ name: FilePath, of parent: borrowing Directory, _ visitor: inout some TreeVisitor
    ) throws(StoreError) {
        guard let top = try visitor.enter(name, of: parent) else { return }
        var levels = [try scan(top, name: name, &visitor)]
        var here = top
        while !levels.isEmpty {
            if let next = levels[levels.count - 1].directories.popLast() {
                guard let below = try visitor.enter(next, of: here) else { continue }
                levels.append(try scan(below, name: next, &visitor))
                here = below
            } else {
                let left = levels.removeLast()
                guard let above = levels.last else { break }
                here = try climb(from: here, to: above)
                try visitor.leave(left.name, of: here)
            }
        }
        try visitor.leave(name, of: parent)
    }

    /// Sees the files of a directory and notes its directories.
    private static func scan(
        _ directory: borrowing Directory, name: FilePath, _ visitor: inout some TreeVisitor
    ) throws(StoreError) -> Level {
        var directories: [FilePath] = []
        for entry in try directory.entries() {
            if entry.isDirectory {
                directories.append(entry.name)
            } else {
                try visitor.visit(entry.name, of: directory)
            }
        }
        let identity = try directory.status().identity
        return Level(name: name, path: directory.path, identity: identity, directories: directories)
    }

    private static func climb(from here: borrowing Directory, to level: Level) throws(StoreError) -> Directory {
        let above = try Directory(above: here, path: level.path)
        // Somebody moved the directory away meanwhile: `..` is not where the way began.
        guard try above.status().identity == level.identity else {
            throw .system(action: "walk through", path: here.path, code: ESTALE)
        }
        return above
    }
}
