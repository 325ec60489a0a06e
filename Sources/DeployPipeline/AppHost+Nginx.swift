import HostControl
public import ReleaseModel
import ReleaseStore
import SystemPackage

extension AppHost {
    /// Changes the host's nginx while no other app does: a change counts only once its own configuration answers, and
    /// another one meanwhile would take its place.
    func changingNginx(_ change: (any SiteServer) async throws -> Void) async throws {
        let lock = try layout.host.acquireLock(wait: .seconds(300))
        defer { lock.release() }
        try await change(nginx)
    }

    /// The site that a release carries, as what serves it reads it; nil where it has none, empty where it has no site.
    func site(of release: ReleaseID) -> String? {
        let layout = layout.release(release)
        return hostSettings.hasHostNginx ? HostNginx.values(layout.siteValues) : ReleaseFile.text(layout.site)
    }

    /// The site of a release in nginx's own words; nil where it has none.
    ///
    /// - Throws: why the values that it has cannot be rendered.
    public func siteText(of release: ReleaseID) async throws -> String? {
        guard let site = site(of: release), !site.isEmpty else { return nil }
        return try await nginx.text(of: site, app: layout.name)
    }

    /// The command that starts nginx, where a release has a site and nginx does not run; else nil.
    public func nginxStart(for release: ReleaseID?) async -> String? {
        guard let release, site(of: release)?.isEmpty == false, await !nginx.isRunning() else { return nil }
        return hostSettings.hasHostNginx ? "systemctl start nginx" : "pmo-release start \(layout.name)"
    }

    /// Where nginx writes what it has been asked for.
    var accessLog: FilePath {
        guard hostSettings.hasHostNginx, let settings = try? HostNginx.rootSettings(hostSettings) else {
            return layout.logs.appending("access.log")
        }
        return settings.logs(of: layout.name.text).appending("access.log")
    }
}
