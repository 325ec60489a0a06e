public import ReleaseModel
public import SystemPackage

/// Where everything of an app is: `<home>/<app>`.
public struct AppLayout: Sendable, Hashable {
    /// The app.
    public let name: AppName
    /// The host that it is on.
    public let host: HostLayout

    /// `<home>/<app>`.
    public let root: FilePath

    init(name: AppName, host: HostLayout) {
        self.init(name: name, host: host, root: host.home.appending(name.text))
    }

    init(name: AppName, host: HostLayout, root: FilePath) {
        self.name = name
        self.host = host
        self.root = root
    }
    /// The receiver, a bare repository.
    public var repository: FilePath { root.appending("repo.git") }
    /// A directory for each release.
    public var releases: FilePath { root.appending("releases") }
    /// The link to the live release.
    public var current: FilePath { root.appending("current") }
    /// The link to the release that was live before.
    public var previous: FilePath { root.appending("previous") }
    /// What outlives releases.
    public var shared: FilePath { root.appending("shared") }
    /// `AppSettings`.
    public var settings: FilePath { root.appending("settings.json") }
    /// The stop that people have put on deploys (`DeployFreeze`).
    public var freeze: FilePath { root.appending("freeze.json") }
    /// What the root helper is to serve (`SiteValues`).
    public var site: FilePath { root.appending("site.json") }
    /// What the root helper is to test.
    public var siteCandidate: FilePath { root.appending("site.candidate.json") }
    /// What nginx shows instead of the sites while it is there.
    public var maintenancePage: FilePath { root.appending("maintenance").appending("index.html") }
    /// Held by whoever changes what is live (`AppLock`).
    public var lock: FilePath { root.appending("lock") }
    /// The SQLite database of deploys, phases and events (`Ledger`).
    public var ledger: FilePath { root.appending("ledger.sqlite") }
    /// The operator's values, mode 0600 (`EnvironmentStore`).
    public var environmentFile: FilePath { root.appending("env").appending("values") }
    /// Database dumps.
    public var backups: FilePath { root.appending("backups") }
    /// `HOME` of the app's services, which may write there; builds do not see it.
    public var home: FilePath { root.appending("home") }
    /// The build's home: what it may keep from one deploy to the next. Services cannot write there.
    public var cache: FilePath { root.appending("cache") }
    /// The outputs of build steps that are kept for the next deploy (`StepStore`).
    public var steps: FilePath { root.appending("steps") }
    /// Where a step whose outputs are kept finds the release, in the sandbox alone: the same path in every deploy, so
    /// that what it writes into its outputs is, too.
    public var build: FilePath { root.appending("build") }
    /// The logs of deploys and services.
    public var logs: FilePath { root.appending("logs") }
    /// The logs of deploys.
    public var deployLogs: FilePath { logs.appending("deploys") }
    /// What each deploy that has not ended is about to do (`IntentStore`).
    public var intents: FilePath { root.appending("deploys") }
    /// Held while a deploy is recorded and its process started.
    public var requestLock: FilePath { root.appending("request.lock") }
    /// The slots of all services.
    public var slots: FilePath { root.appending("slots") }

    /// Whether the app has been created: it has settings.
    public var exists: Bool { settings.isRegularFile }
    /// Whether something is where the app is or would be, be it an app or not.
    public var isTaken: Bool { root.status(following: false) != nil }

    /// A release's directory, whether it exists or not.
    public func release(_ id: ReleaseID) -> ReleaseLayout {
        ReleaseLayout(root: releases.appending(id.directoryName))
    }

    /// The directory in which a deploy makes its release.
    public func partial(_ deploy: Int) -> FilePath { releases.appending(".\(deploy).partial") }
    /// The log of a deploy, as the pusher sees it.
    public func deployLog(_ number: Int) -> FilePath { deployLogs.appending("\(number).log") }
    /// The same as events, a line of JSON each.
    public func deployEvents(_ number: Int) -> FilePath { deployLogs.appending("\(number).ndjson") }
    /// The directory of a service's logs: `<slot>.<instance>/current` inside.
    public func serviceLogs(_ service: ServiceName) -> FilePath {
        logs.appending("services").appending(service.text)
    }
    /// A slot of a service.
    public func slot(_ service: ServiceName, _ number: SlotNumber) -> SlotLayout {
        SlotLayout(app: self, service: service, number: number)
    }

    /// Makes the app's directories but the receiver; those that there are stay as they are.
    ///
    /// nginx may pass through `slots` to its sockets, but not list it; values, dumps and what services print are nobody
    /// else's.
    public func createDirectories() throws(StoreError) {
        let modes: [(FilePath, CInterop.Mode)] = [
            (root, 0o755), (releases, 0o755), (shared, 0o755), (slots, 0o711), (home, 0o700), (cache, 0o700),
            (logs, 0o755),
            (deployLogs, 0o755), (logs.appending("services"), 0o750), (backups, 0o700),
            (environmentFile.removingLastComponent(), 0o700),
        ]
        for (path, mode) in modes { try path.makeDirectories(mode: mode) }
    }
}
