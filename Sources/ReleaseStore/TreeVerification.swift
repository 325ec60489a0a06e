import Glibc
import Synchronization
import SystemPackage

/// Compares a tree on the disk with its index, a directory at a time on every core, and brings it to what the index
/// says, as far as that goes without content: what is not in the index is removed, and so is a file that somebody wrote
/// to. The tree holds no `.pmo`.
struct TreeVerification {
    /// A directory that the index knows of, with files or with directories alone.
    private struct Place {
        let path: [UInt8]
        var entries: Range<Int>
    }

    private let index: IndexTable
    private var places: [Place] = []
    private var numbers: [[UInt8]: Int] = [:]

    private init(_ index: IndexTable) {
        self.index = index
        numbers.reserveCapacity(index.directories.count)
        _ = place(of: [])
        for directory in index.directories { places[place(of: directory.path)].entries = directory.entries }
    }

    /// The number of a directory's place, made with all above it.
    private mutating func place(of path: [UInt8]) -> Int {
        if let number = numbers[path] { return number }
        if let slash = path.lastIndex(of: UInt8(ascii: "/")) {
            _ = place(of: Array(path[..<slash]))
        }
        places.append(Place(path: path, entries: 0..<0))
        numbers[path] = places.count - 1
        return places.count - 1
    }

    /// Verifies a tree.
    ///
    /// - Returns: the paths of the index that are not on the disk now.
    static func run(_ root: FilePath, _ index: IndexTable) throws(StoreError) -> Set<[UInt8]> {
        let verification = TreeVerification(index)
        let directory = try Directory(opening: root, following: false)
        let missing = Mutex<Set<[UInt8]>>([])
        try Parallel.forEach(below: verification.places.count) { (number) throws(StoreError) in
            let lacking = try verification.verify(verification.places[number], beneath: directory)
            if !lacking.isEmpty { missing.withLock { $0.formUnion(lacking) } }
        }
        return missing.withLock { $0 }
    }

    /// - Returns: the paths that the directory lacks.
    private func verify(_ place: Place, beneath root: borrowing Directory) throws(StoreError) -> [[UInt8]] {
        guard let directory = try Directory(ifThere: place.path, beneath: root) else {
            return place.entries.map { index.path(of: index.entries[$0], in: place.path) }
        }
        try directory.makePlain()
        var lacking: [Int] = []
        for number in place.entries {
            let entry = index.entries[number]
            var status = stat()
            let isThere = index.withName(of: entry) {
                fstatat(directory.descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) == 0
            }
            if !isThere || !entry.matches(status) { lacking.append(number) }
        }
        try clear(directory, place, lacking: Set(lacking))
        return lacking.map { index.path(of: index.entries[$0], in: place.path) }
    }

    /// Removes what the index does not have, and what is not as the index has it.
    private func clear(
        _ directory: borrowing Directory, _ place: Place, lacking: Set<Int>
    ) throws(StoreError) {
        var files = 0
        var strange: [FilePath] = []
        try directory.forEachEntry { (name, isDirectory) throws(StoreError) in
            if !isDirectory { return files += 1 }
            let text = UnsafeRawBufferPointer(start: name, count: strlen(name))
            let path = place.path.isEmpty ? Array(text) : place.path + [UInt8(ascii: "/")] + text
            if numbers[path] == nil { strange.append(FilePath(platformString: name)) }
        }
        // As many as were found by their names: these are they.
        if files > place.entries.count - lacking.count {
            let kept = Set(place.entries.filter { !lacking.contains($0) }.map { index.name(of: index.entries[$0]) })
            try directory.forEachEntry { (name, isDirectory) throws(StoreError) in
                let text = UnsafeRawBufferPointer(start: name, count: strlen(name))
                if !isDirectory, !kept.contains(Array(text)[...]) { strange.append(FilePath(platformString: name)) }
            }
        }
        for name in strange { try TreeRemoval.remove(name, of: directory) }
    }
}
