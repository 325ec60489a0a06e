public import ReleaseModel
import SystemPackage

/// What serves the sites of a home: an nginx of its own, or the host's. A site is a text that only the server reads.
public protocol SiteServer: Sendable {
    /// The site that is live for an app, as it was installed; nil where there is none.
    func installed(_ app: AppName) -> String?
    /// Tests a site in a copy of the whole configuration; what is live is untouched.
    ///
    /// - Throws: who is to blame, the site or a file of somebody else.
    func test(site: String, app: AppName) async throws(HostError)
    /// Tests what is live, as a whole.
    ///
    /// - Throws: who is to blame, where nginx would not take it.
    func test() async throws(HostError)
    /// A site in nginx's own words.
    func text(of site: String, app: AppName) async throws(HostError) -> String
    /// Makes a site live. The old one stays, or comes back, where the new one does not answer.
    ///
    /// - Returns: false when it is live already.
    func install(site: String, app: AppName) async throws(HostError) -> Bool
    /// Takes an app's site away.
    func remove(app: AppName) async throws(HostError)
    /// The app is gone for good: has nobody renew certificates for it any more.
    func forgetCertificates(of app: AppName) async throws(HostError)
    /// Starts the server where it does not run and is ours to start.
    func ensureRunning() async throws(HostError)
    /// Whether it serves.
    func isRunning() async -> Bool
    /// Writes what a supervisor needs to know of it, and tells which instances that are; starts nothing.
    func prepareInstances() throws(HostError) -> [SupervisedInstance]
    /// Stops the server, where it is ours alone.
    func stop() async throws(HostError)
}

extension Nginx: SiteServer {
    /// The text of the app's file.
    public func installed(_ app: AppName) -> String? { ProcessGroup.text(siteFile(app).string) }
    /// It is one.
    public func text(of site: String, app: AppName) -> String { site }
    /// It has none.
    public func forgetCertificates(of app: AppName) {}
    /// nginx's own.
    public func prepareInstances() throws(HostError) -> [SupervisedInstance] { [try prepareInstance()] }
}
