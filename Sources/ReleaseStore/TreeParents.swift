import Glibc
import SystemPackage

/// Opens the directories that a tree's files are in, one after the other: from the tree's root, through no link. For one
/// thread.
final class TreeParents {
    private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

    private let tree: FilePath
    private let isMade: Bool
    private let root: Int32
    private var place: (path: ArraySlice<UInt8>, descriptor: Int32)

    /// Opens a tree.
    ///
    /// - Parameter making: whether directories are made, 0755, where there are none.
    init(of tree: FilePath, making: Bool = false) throws(StoreError) {
        self.tree = tree
        isMade = making
        root = try checked("open", tree) { tree.withPlatformString { open($0, Self.flags) } }
        place = ([], root)
    }

    deinit {
        leave()
        close(root)
    }

    /// The directory that a file is in, open until the next call; nil where the tree has none.
    func directory(of file: IndexedFile) throws(StoreError) -> Int32? {
        let parent = file.parent
        if parent == place.path { return place.descriptor }
        leave()
        var here = root
        for part in parent.split(separator: UInt8(ascii: "/")) {
            let name = part.map { CChar(bitPattern: $0) } + [0]
            if isMade, mkdirat(here, name, 0o755) == 0 { fchmodat(here, name, 0o755, 0) }
            let below = openat(here, name, Self.flags)
            let code = errno
            if here != root { close(here) }
            guard below >= 0 else {
                if !isMade, [ENOENT, ENOTDIR, ELOOP].contains(code) { return nil }
                throw .system(action: "open", path: tree.appending(String(decoding: parent, as: UTF8.self)), code: code)
            }
            here = below
        }
        place = (parent, here)
        return here
    }

    /// What stands at a file's path; nil where there is nothing.
    func status(of file: IndexedFile) throws(StoreError) -> stat? {
        var status = stat()
        guard let directory = try directory(of: file),
            fstatat(directory, file.name, &status, AT_SYMLINK_NOFOLLOW) == 0
        else { return nil }
        return status
    }

    /// Gives an entry of another directory a file's path, in the place of what has it; false where the tree has no such
    /// directory.
    func take(_ name: String, from place: borrowing Directory, as file: IndexedFile) throws(StoreError) -> Bool {
        guard let directory = try directory(of: file) else { return false }
        let source = place.descriptor
        try checked("restore", tree.appending(file.shownPath)) { renameat(source, name, directory, file.name) }
        return true
    }

    private func leave() {
        if place.descriptor != root { close(place.descriptor) }
        place = ([], root)
    }
}

extension IndexedFile {
    /// The path of the directory that it is in; empty for the root.
    var parent: ArraySlice<UInt8> { path[..<(path.lastIndex(of: UInt8(ascii: "/")) ?? 0)] }

    /// Its own name, for the system's calls.
    var name: [CChar] {
        let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return path[start...].map { CChar(bitPattern: $0) } + [0]
    }
}
