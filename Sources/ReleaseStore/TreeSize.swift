import Glibc
import SystemPackage

/// How much of the disk a tree takes: its blocks of 512 bytes (stat(2)), a file with several names counted once.
struct TreeSize: TreeVisitor {
    private(set) var bytes = 0
    private var seen: Set<FileIdentity> = []

    /// The bytes that the tree takes.
    static func measure(_ path: FilePath) throws(StoreError) -> Int {
        guard let name = path.lastName else { return 0 }
        let parent = try Directory(opening: path.directory)
        var size = TreeSize()
        try TreeWalk.walk(name, of: parent, &size)
        return size.bytes
    }

    mutating func enter(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) -> Directory? {
        let directory = try Directory(opening: name, in: parent)
        bytes += Int(try directory.status().st_blocks) * 512
        return directory
    }

    mutating func visit(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
        guard let status = try parent.status(of: name) else { return }
        if status.st_nlink > 1, !seen.insert(status.identity).inserted { return }
        bytes += Int(status.st_blocks) * 512
    }

    func leave(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {}
}
