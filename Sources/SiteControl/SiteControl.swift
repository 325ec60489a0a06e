import FailPoints
import Glibc
public import HostControl
public import ReleaseModel
public import ReleaseStore
import SiteTemplates
public import SystemPackage

/// What root does for the apps' sites: reads the values that the apps' user has written, checks them, renders them, and
/// hands them to the host's nginx. One change at a time; one that is cut short is taken back by the next.
public struct SiteControl: Sendable {
    let settings: RootSettings
    let nginx: SystemNginx
    let runner: any CommandRunner
    /// Where the settings are, if not in root's own file.
    let settingsFile: FilePath?

    /// The sites of a host.
    public init(_ settings: RootSettings, file: FilePath? = nil, runner: any CommandRunner = ProcessRunner()) {
        self.settings = settings
        settingsFile = file
        self.runner = runner
        nginx = SystemNginx(
            prefix: FilePath(settings.nginx), pidFile: FilePath(settings.pid),
            stages: FilePath(settings.state).appending("stages"), startsBySystemd: settings.systemd, runner: runner)
    }

    /// Serves what `<app>/site.json` says.
    ///
    /// - Returns: what is worth telling.
    /// - Throws: values that are refused, who is to blame for nginx's refusal, or why it did not take over.
    public func apply(_ app: AppName) async throws -> [String] {
        let values = try read("site.json", of: app)
        return try await changing {
            try refuseWhatOthersHave(values)
            return try await change(app, to: values)
        }
    }

    /// Serves nothing for an app any more.
    public func remove(_ app: AppName) async throws -> [String] {
        try await changing { try await takeAway(app) }
    }

    /// Tests what `<app>/site.candidate.json` says in a copy of the whole configuration; without an app, the whole as
    /// it is.
    public func test(_ app: AppName?) async throws -> [String] {
        let values = try app.map { try read("site.candidate.json", of: $0) }
        return try await changing {
            guard let app, let values else {
                let verdict = try await nginx.test()
                guard verdict.isTaken else { throw blamed(verdict, for: nil) }
                return ["nginx takes the whole configuration"]
            }
            try refuseWhatOthersHave(values)
            try ensureCertificates(values.domains)
            try prepareLogs(app)
            _ = try await tested(app, values)
            return []
        }
    }

    /// The text of a site as nginx would get it now, from values as a release has them; nothing is changed.
    public func rendered(_ app: AppName, values bytes: [UInt8]) async throws -> String {
        let values = try checked(SiteValues(bytes), for: app)
        return try await changing { try SiteTemplates.site(context(app, values, try await FrontPlan(self).front)) }
    }

    /// Makes what all sites share, so that unknown hosts are told so also where there is no app yet.
    public func setUp() async throws -> [String] {
        try await changing {
            let notices = try turnOffExample()
            let host = try await FrontPlan(self)
            let text = try host.text()
            let verdict = try await nginx.test(changing: [sharedFile: text])
            guard verdict.isTaken else { throw blamed(verdict, for: nil) }
            try write(text, to: sharedFile)
            if nginx.master != nil { try await takeOver(host.generation) }
            return notices
        }
    }

    /// Takes everything of ours out of nginx, and puts back what was turned off; certificates stay.
    public func tearDown() async throws -> [String] {
        try await changing {
            for name in try FilePath(settings.state).appending("sites").namesInside() {
                try DurableFile.remove(FilePath(settings.state).appending("sites").appending(name))
            }
            for name in try sitesDirectory.namesInside() { try DurableFile.remove(sitesDirectory.appending(name)) }
            try DurableFile.remove(sharedFile)
            rmdir(sitesDirectory.string)
            try turnOnExample()
            if let master = nginx.master { kill(master, SIGHUP) }
            return []
        }
    }
}

extension SiteControl {
    var sharedFile: FilePath { settings.sharedFile }
    var sitesDirectory: FilePath { settings.sitesDirectory }
    func file(_ app: AppName) -> FilePath { settings.siteFile(of: app.text) }
    func record(_ app: AppName) -> FilePath { settings.record(of: app.text) }
    var ports: [Int] { [settings.httpPort, settings.httpsPort] }

    /// Runs a change while no other one does, after what was cut short before.
    func changing<Result>(_ body: () async throws -> Result) async throws -> Result {
        try prepareDirectories()
        let path = FilePath(settings.state).appending("lock")
        guard let lock = try FileLock.acquire(path, wait: .seconds(120)) else { throw StoreError.locked(path: path) }
        defer { lock.release() }
        nginx.sweepStages()
        let undone = try SiteUndo.recover(self)
        try ensureCertificates(records().flatMap(\.1.domains))
        if !undone.isEmpty, nginx.master != nil { try? await takeOver(nil) }
        return try await body()
    }

    /// The values that the apps' user has written, checked.
    func read(_ name: String, of app: AppName) throws -> SiteValues {
        let path = FilePath(app.text).appending(name)
        let bytes = try OwnedFile.read(
            path, below: FilePath(settings.home), owner: try owner(), limit: SiteValues.longest)
        return try checked(SiteValues(bytes), for: app)
    }

    private func checked(_ values: SiteValues, for app: AppName) throws -> SiteValues {
        guard values.app == app else {
            throw InvalidValue("site", values.app.text, "must be that of \(app)")
        }
        return values
    }

    /// The number of the apps' user.
    func owner() throws -> UInt32 {
        guard let entry = getpwnam(settings.user) else { throw SiteControlError.noUser(settings.user) }
        return entry.pointee.pw_uid
    }

    /// A27: domains and ports belong to the app that has them first.
    func refuseWhatOthersHave(_ values: SiteValues) throws {
        for (app, other) in try records() where app != values.app {
            if let domain = values.domains.first(where: other.domains.contains) {
                throw SiteControlError.domainTaken(domain, by: app)
            }
            if let port = values.ports.intersection(other.ports).min() {
                throw SiteControlError.portTaken(port, by: app)
            }
        }
    }

    /// What is served, by app.
    func records() throws -> [(AppName, SiteValues)] {
        let directory = FilePath(settings.state).appending("sites")
        return try directory.namesInside().compactMap { name in
            guard name.hasSuffix(".json"), let app = try? AppName(String(name.dropLast(5))) else { return nil }
            return try SiteValues.load(from: directory.appending(name)).map { (app, $0) }
        }
    }

    func write(_ text: String, to path: FilePath) throws {
        try DurableFile.write(Array(text.utf8), to: path)
    }

    func text(_ path: FilePath) throws -> String? {
        try DurableFile.read(path).map { String(decoding: $0, as: UTF8.self) }
    }
}
