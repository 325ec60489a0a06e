import Glibc
import SystemPackage

/// Compares a tree on the disk with its index in one walk, and brings it to what the index says, as far as that goes
/// without content: what is not in the index is removed, and so is a file that somebody wrote to. `.pmo` is left out.
struct TreeVerification: TreeVisitor {
    private let files: [IndexedFile]
    private let place: [[UInt8]: Int]
    private let directories: Set<[UInt8]>
    private var seen: [Bool]
    private var path: [UInt8] = []
    private var lengths: [Int] = []

    /// What a tree has, by the numbers of the index's entries.
    struct Outcome {
        /// The entries that are on the disk as they were exported.
        var kept: [IndexedFile]
        /// The paths of the others, which are not on the disk now.
        var missing: Set<[UInt8]>
    }

    private init(_ files: [IndexedFile]) {
        self.files = files
        var place: [[UInt8]: Int] = [:]
        place.reserveCapacity(files.count)
        var directories: Set<[UInt8]> = []
        for (number, file) in files.enumerated() {
            place[file.path] = number
            var end = file.path.lastIndex(of: UInt8(ascii: "/"))
            while let slash = end, directories.insert(Array(file.path[..<slash])).inserted {
                end = file.path[..<slash].lastIndex(of: UInt8(ascii: "/"))
            }
        }
        self.place = place
        self.directories = directories
        seen = Array(repeating: false, count: files.count)
    }

    /// Verifies the tree at a path, which holds no `.pmo`.
    static func run(_ root: FilePath, _ files: [IndexedFile]) throws(StoreError) -> Outcome {
        guard let name = root.lastName else { return Outcome(kept: [], missing: []) }
        let parent = try Directory(opening: root.directory)
        var verification = TreeVerification(files)
        try TreeWalk.walk(name, of: parent, &verification)
        var outcome = Outcome(kept: [], missing: [])
        outcome.kept.reserveCapacity(files.count)
        for (number, file) in files.enumerated() {
            if verification.seen[number] { outcome.kept.append(file) } else { outcome.missing.insert(file.path) }
        }
        return outcome
    }

    mutating func enter(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) -> Directory? {
        let isRoot = lengths.isEmpty
        lengths.append(path.count)
        if !isRoot {
            append(name)
            guard directories.contains(path) else {
                path.removeLast(path.count - lengths.removeLast())
                try TreeRemoval.remove(name, of: parent)
                return nil
            }
        }
        let directory = try Directory(opening: name, in: parent)
        if try directory.status().st_mode & 0o7777 != 0o755 {
            try checked("set the mode of", directory.path) { fchmod(directory.descriptor, 0o755) }
        }
        return directory
    }

    mutating func visit(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
        let end = path.count
        append(name)
        defer { path.removeLast(path.count - end) }
        if let number = place[path], let status = try parent.status(of: name), files[number].matches(status) {
            seen[number] = true
        } else {
            try parent.removeFile(name)
        }
    }

    mutating func leave(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
        path.removeLast(path.count - lengths.removeLast())
    }

    private mutating func append(_ name: FilePath) {
        if !path.isEmpty { path.append(UInt8(ascii: "/")) }
        name.withPlatformString { pointer in
            path.append(contentsOf: UnsafeRawBufferPointer(start: pointer, count: strlen(pointer)))
        }
    }
}

extension IndexedFile {
    /// Whether nobody has written to the file, replaced it or changed its mode since it was exported. A second name for
    /// it is a way to write to it later, so there must be none.
    func matches(_ status: stat) -> Bool {
        UInt64(status.st_ino) == inode && Int(status.st_size) == size && status.st_nlink == 1
            && Int(status.st_mode) == (mode == 0o120000 ? 0o120777 : mode)
            && status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec == modified
            && status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec == changed
    }
}
