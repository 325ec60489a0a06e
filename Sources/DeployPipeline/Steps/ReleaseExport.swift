import FailPoints
import GitRepository
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Brings a commit's tree to a deploy's partial, with an index of what was written.
struct ReleaseExport {
    /// What was done.
    struct Outcome {
        let summary: TreeSummary
        /// For the log: `809 files, 14.2 MB; 3 changed, recycled`.
        let detail: String
        /// Why nothing could be shared, or what had to be restored.
        let remark: String?
    }

    private let host: AppHost
    private let deploy: Int
    private let plan: DeployPlan
    private var commit: CommitID { plan.release.commit }
    private var tree: InspectedTree { plan.tree }

    /// The export of a deploy whose tree was inspected.
    init(_ host: AppHost, _ plan: DeployPlan, deploy: Int) {
        self.host = host
        self.plan = plan
        self.deploy = deploy
    }

    /// Exports; what fails leaves a partial for the caller to remove.
    func run() throws -> Outcome {
        var remark: String?
        do {
            if let outcome = try shared() { return outcome }
        } catch {
            // Whatever is odd about what there is: the whole export does not need it.
            remark = "exported whole: \(Reason(error).sentence.shown(limit: 200))"
            try? host.store.removeSpare()
        }
        return try whole(remark: remark)
    }

    private func shared() throws -> Outcome? {
        switch host.settings.share {
        case .auto: try recycle() ?? clone(copying: false)
        case .recycle: try recycle()
        // What was recycled still shares the blocks of what did not change.
        case .reflink: try recycle() ?? clone(copying: false)
        case .copy: try clone(copying: true)
        case .hardlink: try link()
        case .none: nil
        }
    }

    private func whole(remark: String?) throws -> Outcome {
        let partial = try host.store.makePartial(deploy: deploy, cloneable: host.settings.share.clones)
        let repository = try GitRepository(opening: host.layout.repository)
        let index = try ReleaseIndex(writingTo: ReleaseLayout(root: partial).index)
        let times = try servedTimes()
        let summary = try within(partial) { directory in
            try repository.export(commit, into: directory, policy: host.treePolicy, inspected: tree) {
                try index.append(apart($0, in: directory, times))
            }
        }
        try index.close()
        try times?.stamp(ReleaseLayout(root: partial).index)
        FileClock.pass(index.newest)
        return Outcome(summary: summary, detail: Self.detail(summary), remark: remark)
    }

    /// In the release that was pruned last.
    private func recycle() throws -> Outcome? {
        let isKnown = host.store.showsWrites(in: host.store.spare)
        guard let spare = try host.store.recycleSpare(deploy: deploy) else { return nil }
        let altered = isKnown ? [] : try removeAltered(spare)
        let index = try renewed(spare.index, of: spare.partial)
        return try update(
            spare.partial, of: spare.commit, having: index, without: spare.missing.union(altered), by: "recycled")
    }

    /// Removes the files of a tree that are not what was exported, though nothing but their content shows it.
    private func removeAltered(_ spare: ReleaseStore.Recycled) throws -> Set<[UInt8]> {
        var altered: Set<[UInt8]> = []
        for file in spare.index.files where file.mode != 0o120000 && !spare.missing.contains(file.path) {
            let path = spare.partial.appending(bytes: file.path)
            guard try ContentID.of(file: path) != file.blob else { continue }
            guard path.withPlatformString({ unlink($0) }) == 0 else { throw Errno(rawValue: errno) }
            altered.insert(file.path)
        }
        return altered
    }

    /// No file may be older than what a build has kept of another one.
    private func renewed(_ index: IndexTable, of partial: FilePath) throws -> IndexTable {
        guard !plan.manifest.build.isEmpty || plan.manifest.migrate != nil else { return index }
        return try host.store.renewTimes(of: partial, having: index)
    }

    /// Beside the live release, with its files.
    private func clone(copying: Bool) throws -> Outcome? {
        guard let live = try host.store.current(), host.store.showsWrites(in: host.layout.release(live).root),
            let clone = try host.store.clone(live, deploy: deploy, copying: copying)
        else { return nil }
        // A snapshot alone has the files' times.
        let index = clone.way == .snapshot ? try renewed(clone.index, of: clone.partial) : clone.index
        return try update(clone.partial, of: live.commit, having: index, without: clone.missing, by: clone.way.word)
    }

    /// With the files of the newest release themselves; not where a build would have them in its hands, whose files are
    /// linked once it is over.
    private func link() throws -> Outcome? {
        guard plan.seal != nil, plan.manifest.build.isEmpty, showsWritesOfNewest,
            let linked = try host.store.link(
                deploy: deploy, except: plan.manifest.shared.map { Array($0.text.utf8) }, asking: host.blobs)
        else { return nil }
        let outcome = try update(
            linked.partial, of: linked.base.commit, without: linked.missing, by: "hard-linked"
        ) { index, gone in
            for file in linked.files where gone.isEmpty || !gone.contains(file.path) { try index.append(file) }
        }
        return Outcome(
            summary: outcome.summary, detail: outcome.detail, remark: Deployment.sentence(restored: linked.restored))
    }

    /// Whether the releases whose files would be linked show what was written to them.
    private var showsWritesOfNewest: Bool {
        (try? host.store.newestFirst())?.allSatisfy { host.store.showsWrites(in: host.layout.release($0).root) } == true
    }

    /// By the difference of two trees: what they have in common is there already.
    private func update(
        _ partial: FilePath, of base: CommitID, having known: IndexTable, without missing: Set<[UInt8]>,
        by way: String
    ) throws -> Outcome {
        try update(partial, of: base, without: missing, by: way) { $0.append(contentsOf: known, except: $1) }
    }

    /// - Parameter keep: puts what stays into the index, all but the given paths.
    private func update(
        _ partial: FilePath, of base: CommitID, without missing: Set<[UInt8]>, by way: String,
        keep: (ReleaseIndex, Set<[UInt8]>) throws -> Void
    ) throws -> Outcome {
        let repository = try GitRepository(opening: host.layout.repository)
        var gone = missing
        var written: [IndexedFile] = []
        let times = try servedTimes()
        let summary = try within(partial) { directory in
            try repository.update(
                directory, from: base, to: commit, missing: missing, policy: host.treePolicy, inspected: tree
            ) { change in
                switch change {
                case .removed(let path): gone.insert(path)
                case .written(let entry): written.append(try apart(entry, in: directory, times))
                }
            }
        }
        let index = try ReleaseIndex(writingTo: ReleaseLayout(root: partial).index)
        try keep(index, gone)
        for file in written { try index.append(file) }
        try index.close()
        try times?.stamp(ReleaseLayout(root: partial).index)
        FileClock.pass(index.newest)
        let count = written.count.shownWithCommas
        return Outcome(summary: summary, detail: "\(Self.detail(summary)); \(count) written, \(way)", remark: nil)
    }

    /// Where nothing is built, what a site serves is what is exported.
    private func servedTimes() throws -> ServedTimes? {
        guard plan.manifest.build.isEmpty, plan.manifest.sites.contains(where: { $0.root != nil }) else { return nil }
        return try ServedTimes(after: host.store)
    }

    private func apart(
        _ entry: IndexEntry, in directory: FileDescriptor, _ times: ServedTimes?
    ) throws -> IndexedFile {
        let file = IndexedFile(entry)
        return try times?.setApart(file, in: directory.rawValue) ?? file
    }

    private func within(
        _ partial: FilePath, _ body: (FileDescriptor) throws -> TreeSummary
    ) throws -> TreeSummary {
        try FailPoint.exportAfterPartial.pass("write", partial)
        let directory = try FileDescriptor.open(partial, .readOnly, options: [.directory, .noFollow, .closeOnExec])
        defer { try? directory.close() }
        return try body(directory)
    }

    private static func detail(_ summary: TreeSummary) -> String {
        "\(summary.files.counted("file")), \(summary.bytes.shownAsBytes)"
    }
}

extension IndexedFile {
    fileprivate init(_ entry: IndexEntry) {
        self.init(
            path: entry.path, mode: entry.mode, size: entry.size, blob: entry.blob, inode: entry.stamp.inode,
            modified: entry.stamp.modified, changed: entry.stamp.changed)
    }
}

extension ShareWay {
    /// Whether the release that was pruned last is kept for the next export.
    var recycles: Bool { self == .auto || self == .recycle || self == .reflink }

    /// Whether a release can become a clone of the live one.
    fileprivate var clones: Bool { self == .auto || self == .reflink }
}

extension ReleaseStore.CloneWay {
    fileprivate var word: String {
        switch self {
        case .snapshot: "snapshot"
        case .reflink: "reflinked"
        case .copy: "copied"
        }
    }
}
