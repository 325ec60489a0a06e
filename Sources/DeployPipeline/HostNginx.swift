import FailPoints
import Glibc
public import HostControl
public import ReleaseModel
public import ReleaseStore
public import SystemPackage

/// The host's nginx, which this process may not change: it writes down what an app wants served, and the root helper
/// reads, checks and renders that.
public struct HostNginx: SiteServer {
    private let host: HostLayout
    private let settings: HostSettings
    private let runner: any CommandRunner

    /// The nginx of a host.
    public init(host: HostLayout, settings: HostSettings, runner: any CommandRunner) {
        self.host = host
        self.settings = settings
        self.runner = runner
    }

    /// Where the root helper has what is its own.
    public static func rootSettings(_ settings: HostSettings) throws(StoreError) -> RootSettings {
        try RootSettings.load(from: settings.rootSettings.map { FilePath($0) })
    }

    /// The program that root runs: the package's, or where no sudo is needed the one beside this program.
    public static func helper(_ settings: HostSettings, runner: any CommandRunner) -> RootHelper {
        guard let own = settings.rootSettings else { return RootHelper(runner: runner) }
        let beside = FilePath(ProcessOwner.program).removingLastComponent().appending("pmo-release-root")
        return RootHelper(
            runner: runner, settings: FilePath(own), program: beside.string,
            environment: FailPoints.environment(for: "root."))
    }

    private var helper: RootHelper { Self.helper(settings, runner: runner) }

    /// What the root helper has recorded, where nginx has the files for it: it may have been removed with them, and be back.
    public func installed(_ app: AppName) -> String? {
        guard let root = try? Self.rootSettings(settings),
            [root.sharedFile, root.siteFile(of: app.text)].allSatisfy({ access($0.string, F_OK) == 0 })
        else { return nil }
        return Self.values(root.record(of: app.text))
    }

    /// The values in a file in today's form: an older version may have written them. Empty where they are; nil where
    /// there are none to read.
    static func values(_ path: FilePath) -> String? {
        if let values = try? SiteValues.load(from: path) { return String(decoding: values.bytes, as: UTF8.self) }
        return ReleaseFile.text(path)
    }

    /// Has the helper test it, in a file of its own.
    public func test(site: String, app: AppName) async throws(HostError) {
        let path = host.app(app).siteCandidate
        try write(site, to: path)
        defer { unlink(path.string) }
        try await helper.run(["site", "test", app.text])
    }

    /// Has the helper test it.
    public func test() async throws(HostError) { try await helper.run(["site", "test"]) }

    /// Has the helper render it.
    public func text(of site: String, app: AppName) async throws(HostError) -> String {
        try await helper.run(["site", "render", app.text], input: Array(site.utf8)).site ?? ""
    }

    /// Has the helper serve it.
    public func install(site: String, app: AppName) async throws(HostError) -> Bool {
        if installed(app) == site, await isRunning() { return false }
        try write(site, to: host.app(app).site)
        try await helper.run(["site", "apply", app.text])
        return true
    }

    /// Has the helper serve nothing.
    public func remove(app: AppName) async throws(HostError) {
        guard installed(app) != nil || access(host.app(app).site.string, F_OK) == 0 else { return }
        try await helper.run(["site", "remove", app.text])
        unlink(host.app(app).site.string)
    }

    /// Has the helper tell certbot.
    public func forgetCertificates(of app: AppName) async throws(HostError) {
        try await helper.run(["cert", "forget", app.text])
    }

    /// The host's own affair: its init system starts it, and `install` does where it does not run.
    public func ensureRunning() async throws(HostError) {}

    /// Whether its process is there.
    public func isRunning() async -> Bool {
        guard let root = try? Self.rootSettings(settings),
            let text = ReleaseFile.text(FilePath(root.pid))?.split(separator: "\n").first, let pid = Int32(text)
        else { return false }
        return kill(pid, 0) == 0 || errno == EPERM
    }

    /// None of the home's supervisor.
    public func prepareInstances() throws(HostError) -> [SupervisedInstance] { [] }

    /// Not ours to stop.
    public func stop() async throws(HostError) {}

    private func write(_ site: String, to path: FilePath) throws(HostError) {
        do { try DurableFile.write(Array(site.utf8), to: path) } catch {
            throw .file(path: path.string, message: error.description)
        }
    }
}
