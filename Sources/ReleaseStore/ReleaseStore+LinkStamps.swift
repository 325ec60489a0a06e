import Glibc
public import ReleaseModel
import SystemPackage

/// A file that loses a name gets a new stamp, as if it had been written to. So that the next deploy need not read every
/// file to know better, the stamps of the release that it will link from are noted anew around a removal.
extension ReleaseStore {
    /// Runs what removes releases, and notes the stamps of what was untouched before and has only lost names since.
    ///
    /// - Parameter removed: the releases that go.
    public func keepingStamps(without removed: Set<ReleaseID>, _ removal: () throws -> Void) throws {
        guard let (base, files) = try linkBase(without: removed) else { return try removal() }
        let tree = app.release(base).root
        let before = try? untouched(files, in: tree, or: newestIndex(among: removed, since: base))
        try removal()
        guard let before else { return }
        let after = try LinkWalk.run(files, in: [tree]) { (number, parents) throws(StoreError) -> IndexedFile in
            let file = files[number]
            guard let before = before[number], let now = try parents[0].status(of: file),
                before.file.hasContent(now),
                now.changeTime == before.file.changed || Int(now.st_nlink) < before.names
            else { return file }
            return file.noted(as: now)
        }
        if after != files { try ReleaseIndex.replace(app.release(base).index, with: after) }
    }

    private struct Untouched: Sendable {
        let file: IndexedFile
        let names: Int
    }

    /// The files that are as their own index says, or as that of a release that has them in common.
    private func untouched(
        _ files: [IndexedFile], in tree: FilePath, or others: [[UInt8]: IndexedFile]
    ) throws(StoreError) -> [Untouched?] {
        try LinkWalk.run(files, in: [tree]) { (number, parents) throws(StoreError) -> Untouched? in
            let file = files[number]
            guard let now = try parents[0].status(of: file) else { return nil }
            let isKnown = others[file.path].map { $0.blob == file.blob && $0.isUntouched(now) } ?? false
            guard isKnown || file.isUntouched(now) else { return nil }
            return Untouched(file: file.noted(as: now), names: Int(now.st_nlink))
        }
    }

    /// What the newest of the releases that go says, where it was linked from the one that stays.
    private func newestIndex(
        among removed: Set<ReleaseID>, since base: ReleaseID
    ) throws(StoreError) -> [[UInt8]: IndexedFile] {
        let newer = try newestFirst().prefix { $0 != base }
        guard let newest = newer.first(where: removed.contains),
            let files = ReleaseIndex.read(app.release(newest).index)
        else { return [:] }
        return Dictionary(files.map { ($0.path, $0) }) { first, _ in first }
    }
}

extension ReleaseIndex {
    /// Writes an index in the place of one, in one step, and waits for the disk and for the clock.
    static func replace(_ path: FilePath, with files: [IndexedFile]) throws(StoreError) {
        let name = path.lastComponent?.string ?? ""
        let temporary = FilePath(TemporaryName.next(for: name))
        let place = path.removingLastComponent()
        do {
            let index = try ReleaseIndex(writingTo: place.pushing(temporary))
            for file in files { try index.append(file) }
            try index.close(syncing: true)
            FileClock.pass(index.newest)
        } catch {
            _ = try? Directory(opening: place).removeFile(temporary)
            throw .system(action: "write", path: path, code: (error as? Errno)?.rawValue ?? EIO)
        }
        let directory = try Directory(opening: place)
        try directory.rename(temporary, to: FilePath(name))
        try directory.sync()
    }
}
