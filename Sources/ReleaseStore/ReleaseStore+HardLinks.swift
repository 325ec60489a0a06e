import Glibc
public import ReleaseModel
public import SystemPackage

/// Hard links between releases: a file that two commits have in common is one file on the disk. Only between sealed
/// releases, to which no service can write; what is written nevertheless is found by the next deploy, and taken back in
/// every release that has it.
extension ReleaseStore {
    /// A partial that has the files of a release.
    public struct Linked: Sendable {
        /// The partial.
        public let partial: FilePath
        /// The release that they are from.
        public let base: ReleaseID
        /// The files that it has.
        public let files: [IndexedFile]
        /// The paths that were exported into the release and were not linked.
        public let missing: Set<[UInt8]>
        /// The paths that were restored in every release that had them in common.
        public let restored: [[UInt8]]
    }

    /// Makes a deploy's partial of links to what the newest sealed release has from git.
    ///
    /// - Parameters:
    ///   - paths: what is left out, with all below: the shared paths, which services write to.
    ///   - blobs: git's contents.
    /// - Returns: nil where there is no such release, or none of its files can be linked; there is no partial then.
    public func link(
        deploy: Int, except paths: [[UInt8]], asking blobs: BlobSource
    ) throws(StoreError) -> Linked? {
        guard let (base, files) = try linkBase() else { return nil }
        let partial = try makePartial(deploy: deploy)
        let shared = try sharedFiles(blobs)
        let steps = try LinkWalk.run(files, in: [app.release(base).root, partial], making: true) {
            (number, parents) throws(StoreError) -> LinkStep in
            let file = files[number]
            switch try shared.state(of: file, in: parents[0]) {
            case .own: return .left(file)
            case .tampered(let trees): return .tampered(file, trees)
            case .fit(let status):
                guard !paths.contains(where: file.isBelow), let source = try parents[0].directory(of: file),
                    let target = try parents[1].directory(of: file),
                    let linked = try shared.link(file, status, from: source, to: target, as: file.name)
                else { return .left(file) }
                return .linked(linked)
            }
        }
        let restored = try restore(steps, shared)
        let linked = steps.compactMap(\.linked)
        guard !linked.isEmpty else {
            try discard(partial: partial)
            return nil
        }
        let missing = Set(steps.compactMap { $0.linked == nil ? $0.file.path : nil })
        return Linked(partial: partial, base: base, files: linked, missing: missing, restored: restored)
    }

    /// What was done to a partial that had files of its own.
    public struct LinkedBuild: Sendable {
        /// The release that its files are from.
        public let base: ReleaseID
        /// How many are links now.
        public let linked: Int
        /// The paths that were restored in every release that had them in common.
        public let restored: [[UInt8]]
    }

    /// Puts links to the newest sealed release in the place of a partial's own files, where both have the same blob and
    /// neither was touched since its export: for after a build, which must have no file of others in its hands.
    ///
    /// - Returns: nil where there is no such release.
    public func linkUnchanged(of partial: FilePath, asking blobs: BlobSource) throws(StoreError) -> LinkedBuild? {
        let index = ReleaseLayout(root: partial).index
        guard let (base, files) = try linkBase(), let own = ReleaseIndex.read(index) else { return nil }
        let place = Dictionary(own.enumerated().map { ($1.path, $0) }) { first, _ in first }
        let shared = try sharedFiles(blobs)
        let steps = try LinkWalk.run(files, in: [app.release(base).root, partial]) {
            (number, parents) throws(StoreError) -> LinkStep in
            let file = files[number]
            switch try shared.state(of: file, in: parents[0]) {
            case .own: return .left(file)
            case .tampered(let trees): return .tampered(file, trees)
            case .fit(let status):
                guard let mine = place[file.path].map({ own[$0] }), mine.blob == file.blob, mine.mode == file.mode,
                    let linked = try shared.replace(mine, by: file, status, parents)
                else { return .left(file) }
                return .linked(linked)
            }
        }
        let restored = try restore(steps, shared)
        let linked = steps.compactMap(\.linked)
        try rewrite(index, own, with: linked)
        return LinkedBuild(base: base, linked: linked.count, restored: restored)
    }

    /// Looks once more at a partial that was made of links: what somebody has written to since is restored in it and in
    /// every release that has it in common.
    ///
    /// - Returns: the paths of what was restored.
    public func verifyLinks(of partial: FilePath, asking blobs: BlobSource) throws(StoreError) -> [[UInt8]] {
        let index = ReleaseLayout(root: partial).index
        guard let files = ReleaseIndex.read(index) else { return [] }
        let shared = try sharedFiles(blobs, and: partial)
        let steps = try LinkWalk.run(files, in: [partial]) { (number, parents) throws(StoreError) -> LinkStep? in
            let file = files[number]
            switch try shared.state(of: file, in: parents[0]) {
            case .own: return nil
            case .fit(let status): return file.isUntouched(status) ? nil : .linked(file.noted(as: status))
            case .tampered(let trees): return .tampered(file, trees)
            }
        }.compactMap(\.self)
        guard !steps.isEmpty else { return [] }
        let restored = try restore(steps, shared)
        let parents = try TreeParents(of: partial)
        var changed = steps.compactMap(\.linked)
        for step in steps where step.linked == nil {
            if let now = try parents.status(of: step.file) { changed.append(step.file.noted(as: now)) }
        }
        try rewrite(index, files, with: changed)
        return restored
    }

    /// The release whose files the next one is linked to: the newest sealed one with an index that can be read.
    func linkBase(without removed: Set<ReleaseID> = []) throws(StoreError) -> (ReleaseID, [IndexedFile])? {
        // A bad one may not be on the disk as it looks (F20).
        for id in try newestFirst()
        where !removed.contains(id) && app.release(id).seal.isRegularFile && bad(id) == nil {
            if let files = ReleaseIndex.read(app.release(id).index), !files.isEmpty { return (id, files) }
        }
        return nil
    }

    private func sharedFiles(_ blobs: BlobSource, and partial: FilePath? = nil) throws(StoreError) -> SharedFiles {
        let complete = try releases().map { app.release($0).root }
        let others = [partial, spare.isRealDirectory ? spare : nil].compactMap(\.self)
        return SharedFiles(releases: app.releases, trees: complete + others, blobs: blobs)
    }

    private func restore(_ steps: [LinkStep], _ shared: SharedFiles) throws(StoreError) -> [[UInt8]] {
        var restored: [[UInt8]] = []
        for case .tampered(let file, let trees) in steps {
            try shared.restore(file, in: trees)
            restored.append(file.path)
        }
        return restored
    }

    /// Puts the stamps of some files in the place of those that an index has.
    func rewrite(_ index: FilePath, _ files: [IndexedFile], with changed: [IndexedFile]) throws(StoreError) {
        guard !changed.isEmpty else { return }
        let now = Dictionary(changed.map { ($0.path, $0) }) { $1 }
        try ReleaseIndex.replace(index, with: files.map { now[$0.path] ?? $0 })
    }
}

/// What was done with a file.
private enum LinkStep: Sendable {
    case linked(IndexedFile)
    case left(IndexedFile)
    case tampered(IndexedFile, [FilePath])

    var linked: IndexedFile? {
        if case .linked(let file) = self { file } else { nil }
    }

    var file: IndexedFile {
        switch self {
        case .linked(let file), .left(let file), .tampered(let file, _): file
        }
    }
}

extension SharedFiles {
    /// Puts a link to a release's file in the place of a partial's own, which nobody may have touched.
    ///
    /// - Parameter parents: of the release and of the partial.
    fileprivate func replace(
        _ mine: IndexedFile, by file: IndexedFile, _ status: stat, _ parents: [TreeParents]
    ) throws(StoreError) -> IndexedFile? {
        guard let source = try parents[0].directory(of: file), let target = try parents[1].directory(of: mine) else {
            return nil
        }
        var own = stat()
        guard fstatat(target, mine.name, &own, AT_SYMLINK_NOFOLLOW) == 0, mine.isUntouched(own), own.st_nlink == 1
        else { return nil }
        let temporary = TemporaryName.next(for: "linked").utf8CString.map(\.self)
        guard let linked = try link(file, status, from: source, to: target, as: temporary) else { return nil }
        guard renameat(target, temporary, target, mine.name) == 0 else {
            unlinkat(target, temporary, 0)
            throw .system(action: "link", path: releases.appending(file.shownPath), code: errno)
        }
        var now = stat()
        // A rename changes the stamp on some file systems.
        guard fstatat(target, mine.name, &now, AT_SYMLINK_NOFOLLOW) == 0, linked.hasContent(now) else { return nil }
        return linked.noted(as: now)
    }
}

extension IndexedFile {
    /// Whether it is at a path or below it.
    fileprivate func isBelow(_ other: [UInt8]) -> Bool {
        path.starts(with: other) && (path.count == other.count || path[other.count] == UInt8(ascii: "/"))
    }
}
