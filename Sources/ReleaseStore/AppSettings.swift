public import ReleaseModel
public import SystemPackage

/// What the operator decided about an app; `settings.json`.
public struct AppSettings: Codable, Sendable, Equatable {
    /// The branch that deploys.
    public var branch: BranchName
    /// The app's own domain, for sites that name none.
    public var domain: Domain
    /// Which of the manifest's `environments` is merged over.
    public var environment: String?
    /// How long the release that was replaced stays warm; 10 minutes unless told.
    public var warm: TimeLimit
    /// How a new release gets the files that it has in common with one on the disk; `auto` unless told.
    public var share: ShareWay
    /// What becomes of a submodule; refused unless told.
    public var submodules: SubmoduleRule
    /// What unpacking a push may use.
    public var receive: ReceiveLimits
    /// What a deploy's steps may use.
    public var build: BuildLimits
    /// The share of answers with a status of 500 or above up to which a release may stay; 20 % unless told, and 100 % lets
    /// every one stay.
    public var bakeErrors: Percentage
    /// When the app was created, in seconds since 1970.
    public var created: Double
    /// Who created it.
    public var createdBy: String

    /// How long processes that were replaced go on before they are told to stop, in seconds: requests that nginx has led
    /// to them by then are answered.
    public static let drain = 5.0
    /// The same after a restart, which keeps nothing warm for a way back: nginx has chosen the process before it has
    /// received the whole of a request, which a slow client may be sending still.
    public static let restartDrain = 20.0

    /// `bakeErrors` unless told.
    public static let usualBakeErrors = Percentage(percent: 20)

    /// Settings of a new app.
    public init(
        branch: BranchName, domain: Domain, environment: String? = nil, warm: TimeLimit = TimeLimit(seconds: 600),
        share: ShareWay = .auto, submodules: SubmoduleRule = .refuse, receive: ReceiveLimits = ReceiveLimits(),
        build: BuildLimits = BuildLimits(), bakeErrors: Percentage = usualBakeErrors, created: Double, createdBy: String
    ) {
        self.branch = branch
        self.domain = domain
        self.environment = environment
        self.warm = warm
        self.share = share
        self.submodules = submodules
        self.receive = receive
        self.build = build
        self.bakeErrors = bakeErrors
        self.created = created
        self.createdBy = createdBy
    }

    /// Reads the settings; what came with a later version may be left out.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            branch: values.decode(BranchName.self, forKey: .branch),
            domain: values.decode(Domain.self, forKey: .domain),
            environment: values.decodeIfPresent(String.self, forKey: .environment),
            warm: values.decodeIfPresent(TimeLimit.self, forKey: .warm) ?? TimeLimit(seconds: 600),
            share: values.decodeIfPresent(ShareWay.self, forKey: .share) ?? .auto,
            submodules: values.decodeIfPresent(SubmoduleRule.self, forKey: .submodules) ?? .refuse,
            receive: values.decodeIfPresent(ReceiveLimits.self, forKey: .receive) ?? ReceiveLimits(),
            build: values.decodeIfPresent(BuildLimits.self, forKey: .build) ?? BuildLimits(),
            bakeErrors: values.decodeIfPresent(Percentage.self, forKey: .bakeErrors) ?? Self.usualBakeErrors,
            created: values.decode(Double.self, forKey: .created),
            createdBy: values.decode(String.self, forKey: .createdBy))
    }

    /// The settings in a file.
    public static func load(from path: FilePath) throws(StoreError) -> AppSettings {
        try JSONFile.require(Self.self, from: path)
    }

    /// Writes the settings, whole or not at all.
    public func save(to path: FilePath) throws(StoreError) {
        try JSONFile.write(self, to: path)
    }
}
