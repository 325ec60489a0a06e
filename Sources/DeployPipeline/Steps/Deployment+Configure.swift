import FailPoints
import GitRepository
import HostControl
import ReleaseModel
import ReleaseStore
import SiteTemplates
import SystemPackage

extension Deployment {
    /// Renders everything that the release carries: its environment, `.env` files, units and nginx site.
    func configure(_ plan: DeployPlan, _ partial: FilePath) async throws {
        try await phase(.configure) {
            let layout = ReleaseLayout(root: partial)
            try FailPoint.configureBeforeFiles.pass("write", layout.private)
            try writeInformation(plan, layout)
            try FailPoint.configureBetweenFiles.pass("write", layout.private)
            try writeEnvironment(plan, layout)
            try writeUnits(plan, layout)
            try linkShared(plan.manifest, partial)
            let site = try renderSite(plan.manifest)
            let isHost = host.hostSettings.hasHostNginx
            try layout.write(Array((site ?? "").utf8), to: isHost ? "site.json" : "site.conf")
            if let site, site != liveSite() {
                try await host.nginx.test(site: site, app: host.layout.name)
            }
            try FailPoint.configureAfterFiles.pass("write", layout.private)
            let files = plan.manifest.environment.files.count.counted("file")
            return ((), detail: "\(plan.environment.count.counted("value")), \(files)")
        }
    }

    private func writeInformation(_ plan: DeployPlan, _ layout: ReleaseLayout) throws {
        let information = ReleaseInformation(
            id: plan.release, subject: plan.commit.subject, author: plan.commit.author, commitTime: plan.commit.time,
            who: deploy.who, deploy: deploy.number, branch: deploy.branch, created: currentTime(),
            files: plan.tree.summary.files, bytes: plan.tree.summary.bytes,
            tree: TreeRecord(plan.tree, policy: host.treePolicy), describe: plan.describe)
        try layout.write(json: information, to: "release.json")
        try layout.write(json: plan.manifest, to: "manifest.json")
    }

    private func writeEnvironment(_ plan: DeployPlan, _ layout: ReleaseLayout) throws {
        let text = SiteTemplates.environmentFile(plan.environment)
        try layout.write(Array(text.utf8), to: "env", mode: 0o600)
        var values = plan.environment
        for (key, value) in BuildEnvironment.own(plan, deploy, host.layout) {
            values[try EnvironmentKey(key)] = value
        }
        for file in plan.manifest.environment.files {
            let template = try ReleaseFile.read(file.template, in: layout.root)
            let rendered = try SiteTemplates.render(
                template: String(decoding: template, as: UTF8.self), name: file.template.text, values: values)
            try ReleaseFile.write(Array(rendered.utf8), to: file.target, in: layout.root, mode: .ownerReadWrite)
        }
    }

    private func writeUnits(_ plan: DeployPlan, _ layout: ReleaseLayout) throws {
        let release = host.layout.release(plan.release).root
        if plan.seal != nil { try layout.write(SiteTemplates.seal, to: "seal", mode: 0o755) }
        for service in plan.manifest.services {
            let local = [".venv/bin", "node_modules/.bin"].map { release.appending($0).string }
            let nested =
                service.directory == .root
                ? [] : [release.appending(service.directory.text).appending("node_modules/.bin").string]
            let unit = try SiteTemplates.serviceUnit(
                UnitContext(
                    app: host.layout.name, service: service, releaseRoot: release.string, commit: plan.release.commit,
                    branch: deploy.branch, describe: plan.describe, path: nested + local, isSealed: plan.seal != nil))
            for (name, text) in [("run", unit.run), ("finish", unit.finish), ("control-t", unit.stop)] {
                try layout.write(
                    Array(text.utf8), to: FilePath("units").appending(service.name.text).appending(name), mode: 0o755)
            }
        }
    }

    /// The app's site as what serves it reads it, nginx's own words or the values that root renders; nil where the app
    /// has none.
    func renderSite(_ manifest: Manifest) throws -> String? {
        guard !manifest.sites.isEmpty else { return nil }
        if host.hostSettings.hasHostNginx {
            return String(decoding: try siteValues(manifest).bytes, as: UTF8.self)
        }
        let services = try manifest.services.filter { $0.listen != .none }.map { service in
            _ = try host.slots.ensure(service)
            return SiteService(
                name: service.name,
                slots: try Dictionary(
                    uniqueKeysWithValues: SlotNumber.allCases.map { ($0, try host.slots.endpoints(service, $0)) }))
        }
        return try SiteTemplates.site(
            SiteContext(
                app: host.layout.name, appRoot: host.layout.root.string, sites: sites(manifest), services: services,
                listenAddress: host.hostSettings.listenAddress, listenPort: host.hostSettings.listenPort,
                logDirectory: host.layout.logs.string, shared: manifest.shared))
    }

    /// The manifest's sites, each with its domain.
    private func sites(_ manifest: Manifest) -> [Site] {
        manifest.sites.map { site in
            var resolved = site
            resolved.domain = site.domain ?? host.settings.domain
            return resolved
        }
    }

    private func siteValues(_ manifest: Manifest) throws -> SiteValues {
        let services = try manifest.services.filter { $0.listen != .none }.map { service in
            _ = try host.slots.ensure(service)
            guard service.listen == .port else { return SiteBackend(name: service.name, sockets: service.instances) }
            let ports = try SlotNumber.allCases.map { slot in
                try host.slots.endpoints(service, slot).compactMap {
                    if case .port(let port) = $0 { port } else { nil }
                }
            }
            return SiteBackend(name: service.name, ports: ports)
        }
        return try SiteValues(
            app: host.layout.name, sites: sites(manifest), services: services, shared: manifest.shared)
    }

    /// The site that nginx has for the app now.
    func liveSite() -> String? { host.nginx.installed(host.layout.name) }
}
