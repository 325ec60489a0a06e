import GitRepository
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
        /// Why a spare was not used.
        let remark: String?
    }

    private let host: AppHost
    private let deploy: Int
    private let commit: CommitID

    init(_ host: AppHost, deploy: Int, commit: CommitID) {
        self.host = host
        self.deploy = deploy
        self.commit = commit
    }

    /// Exports; what fails leaves a partial for the caller to remove.
    func run() throws -> Outcome {
        var remark: String?
        if host.settings.share.recycles {
            do {
                if let outcome = try recycle() { return outcome }
            } catch {
                // Whatever is odd about it: the whole export does not need it.
                remark = "the spare release was not used: \(Reason(error).sentence.shown(limit: 200))"
                try? host.store.removeSpare()
            }
        }
        return try whole(remark: remark)
    }

    private func whole(remark: String?) throws -> Outcome {
        let partial = try host.store.makePartial(deploy: deploy)
        let repository = try GitRepository(opening: host.layout.repository)
        let index = try ReleaseIndex(writingTo: ReleaseLayout(root: partial).index)
        let summary = try within(partial) { directory in
            try repository.export(commit, into: directory) { try index.append(IndexedFile($0)) }
        }
        try index.close()
        FileClock.pass(index.newest)
        return Outcome(summary: summary, detail: Self.detail(summary), remark: remark)
    }

    /// By the difference of two trees, in the release that was pruned last.
    private func recycle() throws -> Outcome? {
        guard !ReleaseUse(host.layout).paths().contains(host.store.spare.string),
            let spare = try host.store.recycleSpare(deploy: deploy)
        else { return nil }
        let repository = try GitRepository(opening: host.layout.repository)
        var removed: Set<[UInt8]> = []
        var written: [IndexedFile] = []
        let summary = try within(spare.partial) { directory in
            try repository.update(directory, from: spare.commit, to: commit, missing: spare.missing) { change in
                switch change {
                case .removed(let path): removed.insert(path)
                case .written(let entry): written.append(IndexedFile(entry))
                }
            }
        }
        let index = try ReleaseIndex(writingTo: ReleaseLayout(root: spare.partial).index)
        for file in spare.kept where removed.isEmpty || !removed.contains(file.path) { try index.append(file) }
        for file in written { try index.append(file) }
        try index.close()
        FileClock.pass(index.newest)
        let changed = written.count.shownWithCommas
        return Outcome(summary: summary, detail: "\(Self.detail(summary)); \(changed) written, recycled", remark: nil)
    }

    private func within(
        _ partial: FilePath, _ body: (FileDescriptor) throws -> TreeSummary
    ) throws -> TreeSummary {
        let directory = try FileDescriptor.open(partial, .readOnly, options: [.directory, .noFollow, .closeOnExec])
        defer { try? directory.close() }
        return try body(directory)
    }

    private static func detail(_ summary: TreeSummary) -> String {
        "\(summary.files.shownWithCommas) file\(summary.files == 1 ? "" : "s"), \(summary.bytes.shownAsBytes)"
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
    var recycles: Bool { self == .auto || self == .recycle }
}
