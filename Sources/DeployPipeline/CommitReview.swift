public import GitRepository
import HostControl
public import ReleaseModel
import ReleaseStore
import SiteTemplates
import SystemPackage

/// Everything about a commit that can be known without writing: its tree keeps the policy, its manifest is right, its
/// environment is complete, its domains are free, the disk has room, and what is started would stay. Used in the
/// quarantine of a push, and again when the deploy begins, since values and other apps may have changed while it waited.
public struct CommitReview: Sendable {
    /// What was found of the tree.
    public let inspected: InspectedTree
    /// What the manifest says.
    public let manifest: Manifest
    /// Defaults of the manifest with the operator's values over them.
    public let environment: [EnvironmentKey: String]

    /// Reviews a commit.
    ///
    /// - Throws: the first rule that it breaks: `GitError`, `ManifestError`, `DeployError`, `HostError`.
    public init(_ commit: CommitID, in repository: GitRepository, host: AppHost) throws {
        let policy = host.treePolicy
        inspected = try repository.inspect(commit, since: PassedTree(liveOf: host, policy: policy), policy: policy)
        let source = try repository.tree(of: commit)
        manifest = try Manifest.read(from: source, environment: host.settings.environment)
        environment = manifest.environment.defaults.merging(try host.environment.values()) { _, operators in operators }
        try Self.checkNames(manifest, host)
        try Self.checkEnvironment(of: host, in: source)
        try checkEnvironment(source, host)
        try host.layout.host.requireFree(
            DomainClaims.domains(of: manifest, host.settings), for: host.layout.name)
        try checkRoom(host)
        if host.hostSettings.supervisor == .systemd {
            try SupervisorDetection.requireLasting()
        }
    }

    /// How large the tree is.
    public var tree: TreeSummary { inspected.summary }

    private static func checkNames(_ manifest: Manifest, _ host: AppHost) throws {
        let app = host.layout.name
        // A staging app of the same repository has a name of its own and says so by its environment.
        if let named = manifest.app, named != app, host.settings.environment == nil {
            throw DeployError.otherApp(manifest: named, app: app)
        }
        if let branch = manifest.branch, branch != host.settings.branch, host.settings.environment == nil {
            throw DeployError.otherBranch(manifest: branch, branch: host.settings.branch, app: app)
        }
    }

    /// A name that is written wrong would deploy production's settings once more; what is called so is the base by itself.
    private static func checkEnvironment(of host: AppHost, in source: CommitTree) throws {
        guard let name = host.settings.environment, name != "production" else { return }
        if let known = try Manifest.environments(in: source, lacking: name) {
            throw DeployError.noSuchEnvironment(name, known: known, app: host.layout.name)
        }
    }

    private func checkEnvironment(_ source: CommitTree, _ host: AppHost) throws {
        var missing = Set(manifest.environment.required.filter { (environment[$0] ?? "").isEmpty }.map(\.text))
        let known = Set(environment.keys.map(\.text)).union(BuildEnvironment.ownKeys)
        for file in manifest.environment.files {
            guard let template = source.contents(file.template.text) else {
                throw DeployError.missingTemplate(target: file.target, template: file.template)
            }
            missing.formUnion(
                try SiteTemplates.missingVariables(in: String(decoding: template, as: UTF8.self), values: known))
        }
        guard missing.isEmpty else {
            throw DeployError.missingEnvironment(app: host.layout.name, keys: missing.sorted())
        }
    }

    /// Room for the tree once more, 64 MiB and 1,000 inodes beside it: what a build adds cannot be known.
    private func checkRoom(_ host: AppHost) throws {
        let space = try DiskSpace.available(at: host.layout.root)
        let bytes = tree.bytes + (64 << 20)
        let inodes = tree.files + tree.directories + 1000
        let path = host.layout.root.string
        guard space.bytes >= bytes else {
            throw DeployError.noRoom(
                what: "disk space", path: path, needed: bytes.shownAsBytes, left: space.bytes.shownAsBytes,
                app: host.layout.name)
        }
        // File systems without a fixed number of inodes (btrfs) say 0.
        guard space.inodes >= inodes || space.inodes == 0 else {
            throw DeployError.noRoom(
                what: "inodes", path: path, needed: inodes.shownWithCommas, left: space.inodes.shownWithCommas,
                app: host.layout.name)
        }
    }
}

extension PassedTree {
    /// The tree of the live release, where it has passed the policy; most pushes differ little from it.
    init?(liveOf host: AppHost, policy: TreePolicy) {
        // Without it the whole tree is inspected; whoever needs the live release for more says what is wrong with it.
        guard let live = try? host.store.current(), let record = try? host.store.information(live).tree,
            record.policy == policy.fingerprint
        else { return nil }
        self.init(
            live.commit,
            summary: TreeSummary(
                files: record.files, directories: record.directories, symlinks: record.symlinks, bytes: record.bytes,
                lfsPointers: record.lfsPointers),
            counted: record.counted, submodules: record.submodules, policy: policy)
    }
}

extension TreeRecord {
    /// What is kept of an inspection.
    init(_ tree: InspectedTree, policy: TreePolicy) {
        let summary = tree.summary
        self.init(
            files: summary.files, directories: summary.directories, symlinks: summary.symlinks, bytes: summary.bytes,
            lfsPointers: summary.lfsPointers, counted: tree.counted, submodules: tree.submoduleCount,
            policy: policy.fingerprint)
    }
}
