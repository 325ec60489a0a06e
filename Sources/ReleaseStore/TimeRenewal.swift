import Glibc
import Synchronization
public import SystemPackage

extension ReleaseStore {
    /// Gives all files, links and directories of a partial the time of now, as a whole export would: what a build keeps
    /// outside of releases, objects of `make` say, is compared with them by time, and was made after the files that a
    /// recycled release comes with.
    ///
    /// - Parameter index: what the partial has, as it was exported.
    /// - Returns: the index with the new times.
    public func renewTimes(of partial: FilePath, having index: IndexTable) throws(StoreError) -> IndexTable {
        let root = try Directory(opening: partial, following: false)
        let renewed = Mutex(index)
        try Parallel.forEach(below: index.directories.count) { (number) throws(StoreError) in
            let place = index.directories[number]
            guard let directory = try Directory(ifThere: place.path, beneath: root) else { return }
            var entries = index.entries[place.entries]
            for number in place.entries {
                var status = stat()
                let isThere = index.withName(of: entries[number]) { name in
                    utimensat(directory.descriptor, name, nil, AT_SYMLINK_NOFOLLOW) == 0
                        && fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
                }
                if isThere { entries[number].stamp(status) }
            }
            renewed.withLock { $0.entries.replaceSubrange(place.entries, with: entries) }
        }
        // Also those that hold directories alone.
        var places: Set<[UInt8]> = [[]]
        for directory in index.directories {
            let path = directory.path
            for end in path.indices where path[end] == UInt8(ascii: "/") { places.insert(Array(path[..<end])) }
            places.insert(path)
        }
        for place in places {
            guard let directory = try Directory(ifThere: place, beneath: root) else { continue }
            try checked("set the time of", directory.path) { futimens(directory.descriptor, nil) }
        }
        return renewed.withLock { $0 }
    }
}
