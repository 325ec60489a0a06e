import FailPoints
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SiteTemplates
import SystemPackage

extension SiteControl {
    /// The texts of a change that nginx has taken in a copy.
    struct Tested {
        let site: String
        let shared: String
        let generation: String
    }

    /// Renders a site and lets nginx test it in a copy of the whole configuration.
    ///
    /// - Throws: `HostError.siteRefused`, `HostError.otherSiteRefused` with another file's name, or a domain that a site
    ///   of the host has.
    func tested(_ app: AppName, _ values: SiteValues) async throws -> Tested {
        let plan = try await FrontPlan(self)
        let site = try SiteTemplates.site(context(app, values, plan.front))
        let shared = try plan.text()
        let verdict = try await nginx.test(changing: [file(app): site, sharedFile: shared], dumping: true)
        guard verdict.isTaken else { throw blamed(verdict, for: app) }
        guard let words = verdict.words, words.hasServer(HostContext.control) else {
            throw SiteControlError.notIncluded(sharedFile.string)
        }
        if let conflict = verdict.conflicts.first(where: { name in values.domains.contains { $0.text == name } }) {
            throw SiteControlError.domainElsewhere(conflict, file: try filesNaming(conflict).first)
        }
        // That is the name itself as well; nginx would answer for an exact one before it, and not call it a conflict.
        if let name = values.domains.lazy.map({ ".\($0)" }).first(where: words.hasServer) {
            throw SiteControlError.domainElsewhere(name, file: try filesNaming(name).first)
        }
        return Tested(site: site, shared: shared, generation: plan.generation)
    }

    func context(_ app: AppName, _ values: SiteValues, _ front: HostFront) throws -> SiteContext {
        let layout = HostLayout(home: FilePath(settings.home)).app(app)
        let services = values.services.map { service in
            SiteService(
                name: service.name,
                slots: Dictionary(
                    uniqueKeysWithValues: SlotNumber.allCases.map { slot in
                        let sockets = service.sockets > 0 ? Array(1...service.sockets) : []
                        let place = layout.slot(service.name, slot)
                        return (
                            slot,
                            service.ports.isEmpty
                                ? sockets.map { .socket(place.socket($0).string) }
                                : service.ports[slot.number - 1].map { .port($0) }
                        )
                    }))
        }
        return SiteContext(
            app: app, appRoot: layout.root.string, sites: values.sites, services: services,
            listenAddress: front.addresses.first ?? "0.0.0.0", listenPort: settings.httpsPort,
            logDirectory: settings.logs(of: app.text).string, shared: values.shared ?? [], front: front)
    }

    /// Makes a tested site live. The old one is kept until nginx answers with the new one.
    func change(_ app: AppName, to values: SiteValues) async throws -> [String] {
        let notices = try turnOffExample()
        try ensureCertificates(values.domains)
        try prepareLogs(app)
        let new = try await tested(app, values)
        let isSame = try text(file(app)) == new.site && SiteValues.load(from: record(app)) == values
        if isSame, nginx.master != nil, await isLive(nil) { return notices }
        try FailPoint.rootBeforeUndo.pass("write", record(app))
        let undo = try SiteUndo(keeping: app, self)
        do {
            try FailPoint.rootAfterUndo.pass("write", record(app))
            try DurableFile.remove(record(app))
            try FailPoint.rootAfterRecord.pass("write", file(app))
            try write(new.site, to: file(app))
            try FailPoint.rootAfterFile.pass("write", sharedFile)
            try write(new.shared, to: sharedFile)
            try FailPoint.rootAfterShared.pass("write", sharedFile)
            try await takeOver(new.generation)
            try FailPoint.rootAfterReload.pass("write", record(app))
            try values.save(to: record(app))
        } catch {
            try undo.restore(app, self)
            if nginx.master != nil { try? await takeOver(nil) }
            throw error
        }
        try FailPoint.rootAfterNewRecord.pass("write", record(app))
        try SiteUndo.forget(app, self)
        return notices
    }

    /// Takes a site away. Where another file keeps nginx from reading its configuration, it goes on serving the site
    /// until that one is corrected.
    func takeAway(_ app: AppName) async throws -> [String] {
        guard try text(file(app)) != nil || text(record(app)) != nil else { return [] }
        var problem: HostError?
        var new: (text: String, generation: String)?
        do {
            let plan = try await FrontPlan(self)
            let text = try plan.text()
            let verdict = try await nginx.test(changing: [file(app): String?.none, sharedFile: text])
            guard verdict.isTaken else { throw blamed(verdict, for: nil) }
            new = (text, plan.generation)
        } catch let error as HostError {
            problem = error
        }
        try DurableFile.remove(record(app))
        try DurableFile.remove(file(app))
        guard let new else {
            return ["nginx goes on serving \(app) until it can be reloaded: \(problem?.description ?? "")"]
        }
        try write(new.text, to: sharedFile)
        if nginx.master != nil { try await takeOver(new.generation) }
        return []
    }

    /// Has nginx read its configuration, or start, and waits until that one answers.
    ///
    /// - Parameter generation: which one; nil for the one on the disk.
    func takeOver(_ generation: String?) async throws {
        if generation == nil, let shared = try text(sharedFile) {
            // With a generation of its own, so that it can be told from the one before.
            let words = NginxWords(shared).directives
            guard let old = words.first(where: { $0.first == "return" && $0.count == 3 })?.last else { return }
            let new = self.generation()
            try write(shared.replacing("\"\(old)\"", with: "\"\(new)\""), to: sharedFile)
            return try await takeOver(new)
        }
        try await nginx.takeOver(ports: ports) { await isLive(generation) }
    }

    /// Whether nginx answers with a configuration of ours; with that one, where one is told.
    private func isLive(_ generation: String?) async -> Bool {
        let host = ownAddress.contains(":") ? "[\(ownAddress)]" : ownAddress
        let command = Command(
            executable: "curl",
            arguments: [
                "-q", "-sS", "--noproxy", "*", "--max-time", "2", "-H", "Host: \(HostContext.control)",
                "http://\(host):\(settings.httpPort)/",
            ])
        guard let result = try? await runner.run(command, within: .seconds(5)), result.succeeded else { return false }
        return generation.map { result.text == $0 } ?? !result.text.isEmpty
    }

    /// Where nginx answers on this host.
    var ownAddress: String {
        let address = settings.addresses?.first ?? "0.0.0.0"
        return address == "0.0.0.0" ? "127.0.0.1" : address == "::" ? "::1" : address
    }

    func generation() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return "\(now.tv_sec).\(now.tv_nsec).\(getpid())"
    }

    /// Whose fault it is that nginx does not take a configuration.
    func blamed(_ verdict: SystemNginx.Verdict, for app: AppName?) -> HostError {
        guard let file = verdict.file else {
            return app.map { .siteRefused(app: $0.text, message: verdict.message) } ?? .nginx(verdict.message)
        }
        if let app, [self.file(app).string, sharedFile.string].contains(file) {
            return .siteRefused(app: app.text, message: verdict.message)
        }
        return .otherSiteRefused(file: file, message: verdict.message)
    }

    /// The files of nginx's configuration, but ours, that have a server of a name.
    private func filesNaming(_ domain: String) throws -> [String] {
        try ["sites-enabled", "conf.d"].flatMap { directory -> [String] in
            let directory = FilePath(settings.nginx).appending(directory)
            return try directory.namesInside().map { directory.appending($0) }.filter { path in
                path != sharedFile && ProcessText.of(path).map { NginxWords($0).hasServer(domain) } == true
            }.map(\.string)
        }
    }
}

/// A file of the configuration, which may be a link.
enum ProcessText {
    static func of(_ path: FilePath) -> String? {
        guard let real = realpath(path.string, nil) else { return nil }
        defer { free(real) }
        return (try? DurableFile.read(FilePath(String(cString: real)))).flatMap { bytes in
            bytes.map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
