/// How an app is built, configured, run and served: what `pmo-release.yml`, a `Procfile` or the detected kind of
/// project says, parsed once.
public struct Manifest: Codable, Sendable, Equatable {
    /// Where it was read from.
    public var origin: ManifestOrigin
    /// What was found and chosen on the way, for the pusher, a line each.
    public var notes: [String]
    /// The app it is for; a push to another one is refused.
    public var app: AppName?
    /// The branch that deploys, where the manifest names it.
    public var branch: BranchName?
    /// The build's steps, in order.
    public var build: [BuildStep]
    /// What the app's environment must and may hold.
    public var environment: EnvironmentRules
    /// The app's processes, ordered by name.
    public var services: [Service]
    /// The domains that nginx serves, ordered by name. A site whose `domain` is nil stands for the app's own domain.
    public var sites: [Site]
    /// The command that migrates the database, through `sh -eu -c` in the release.
    public var migrate: String?
    /// Directories and files that outlive releases.
    public var shared: [ReleasePath]
    /// How many releases that served are kept; 1 to 100, 5 unless told.
    public var keep: Int
    /// How much the kept outputs of build steps may take; nil: `StepReuse.budget`.
    public var cache: ByteSize?
    /// How long a release is watched once it is live; nil: `Manifest.usualBake`.
    public var bake: TimeLimit?

    /// A manifest that says nothing but its origin.
    public init(origin: ManifestOrigin) {
        self.origin = origin
        notes = []
        build = []
        environment = EnvironmentRules()
        services = []
        sites = []
        shared = []
        keep = 5
    }
}

extension Manifest {
    /// How long a release is watched unless told: 30 s.
    public static let usualBake = TimeLimit(seconds: 30)

    /// How long a release is watched once it is live; 0 s for not at all, a day at most.
    public var bakeTime: TimeLimit { bake ?? Self.usualBake }
}

/// Where a manifest was read from.
public enum ManifestOrigin: Codable, Sendable, Equatable {
    /// `pmo-release.yml`.
    case file
    /// A `Procfile`; the kind of project, where one was recognised, gave the build.
    case procfile(ProjectKind?)
    /// Neither: the kind of project alone.
    case detected(ProjectKind)
}

/// The kinds of project that are recognised by their files.
public enum ProjectKind: String, Codable, Sendable {
    case python, node, `static`
}

/// One step of a build: a command line for `sh -eu -c`.
public struct BuildStep: Codable, Sendable, Equatable {
    /// The command line.
    public var run: String
    /// How long it may take; 15 minutes unless told.
    public var within: TimeLimit
    /// What it reads and makes, where its outputs may be kept for the next deploy; nil: it always runs.
    public var reuse: StepReuse?
    /// A step.
    public init(run: String, within: TimeLimit = TimeLimit(seconds: 900), reuse: StepReuse? = nil) {
        self.run = run
        self.within = within
        self.reuse = reuse
    }
}

/// What the app's environment must and may hold.
public struct EnvironmentRules: Codable, Sendable, Equatable {
    /// Values for keys that the operator has not set.
    public var defaults: [EnvironmentKey: String]
    /// Keys without which nothing is built; an empty value counts as missing.
    public var required: [EnvironmentKey]
    /// Rendered files: target, and the template in the tree it is rendered from; ordered by target.
    public var files: [RenderedFile]
    /// Rules; none unless given.
    public init(defaults: [EnvironmentKey: String] = [:], required: [EnvironmentKey] = [], files: [RenderedFile] = []) {
        self.defaults = defaults
        self.required = required
        self.files = files
    }
}

/// A file of the release that is rendered from a template of the tree, mode 0600.
public struct RenderedFile: Codable, Sendable, Equatable {
    /// The file to write.
    public var target: ReleasePath
    /// The Mustache template, in the pushed tree.
    public var template: ReleasePath
    /// A target and its template.
    public init(target: ReleasePath, template: ReleasePath) {
        self.target = target
        self.template = template
    }
}
