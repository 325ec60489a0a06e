import Glibc
import HostCertificates
public import HostControl
public import ReleaseModel
import ReleaseStore
import SiteTemplates
import SystemPackage

extension SiteControl {
    func pair(_ name: String) -> FilePath { certificates.appending(name).appending("pair.pem") }
    /// Marks a domain whose certificate is the operator's own: what certbot renews does not replace it.
    private func ownMark(_ name: String) -> FilePath { certificates.appending(name).appending("own") }
    private func isOwn(_ domain: Domain) -> Bool { access(ownMark(domain.text).string, F_OK) == 0 }

    /// Gives each domain a certificate, if only a placeholder, so that no missing one keeps nginx from its configuration
    /// (F35).
    func ensureCertificates(_ domains: [Domain]) throws {
        for name in domains.map(\.text) + [Self.nobody] where access(pair(name).string, F_OK) != 0 {
            try certificates.appending(name).makeDirectories(mode: 0o700)
            try DurableFile.remove(ownMark(name))
            try DurableFile.write(try Placeholder.pair(for: name), to: pair(name), mode: 0o600)
        }
    }

    /// Serves a certificate of the operator's own, until another one is installed or issued.
    ///
    /// - Parameter pem: the certificates and the key.
    /// - Parameter domain: one of the app's; nil for all.
    /// - Throws: a key that is another's, a certificate that vouches for none of the others, a domain that it is not for,
    ///   or that it has expired.
    public func install(_ app: AppName, pem: String, domain: Domain?) async throws -> [String] {
        let new = try CertificatePair(pem: pem)
        return try await changing {
            let all = try domains(of: app)
            if let domain, !all.contains(domain) { throw SiteControlError.notItsDomain(domain, of: app) }
            let domains = domain.map { [$0] } ?? all
            try new.check(for: domains, at: currentTime())
            try await put(new, for: domains)
            for domain in domains { try DurableFile.write([], to: ownMark(domain.text), mode: 0o600) }
            let issuer = new.certificate.issuer
            let notice = "\(app) has the certificate of \(issuer) for \(Self.listed(domains))"
            guard new.lacksIssuer else { return [notice] }
            return [
                notice,
                "warning: clients may refuse it: the certificate of \(issuer) did not come with it; "
                    + "give the authority's fullchain file",
            ]
        }
    }

    /// Asks a certificate authority for a certificate of all the app's domains, by certbot, which also renews it.
    public func issue(_ app: AppName, _ request: CertificateRequest) async throws -> [String] {
        let domains = try await changing { () throws -> [Domain] in try self.domains(of: app) }
        if !request.skipsDNS { try await Reachability(self).check(domains) }
        var words = [
            "certonly", "--webroot", "--webroot-path", challenges.string, "--agree-tos", "--keep-until-expiring",
            "--renew-with-new-domains", "--key-type", "ecdsa", "--deploy-hook", try deployHook().string,
        ]
        words += request.mail.map { ["--email", $0.text] } ?? ["--register-unsafely-without-email"]
        if let server = request.server { words += ["--server", server.text] }
        for domain in domains { words += ["--domain", domain.text] }
        // Not under the lock: the hook takes it.
        try await certbot(words + ["--cert-name", Self.lineage(app)])
        return try await changing {
            for domain in try self.domains(of: app) { try DurableFile.remove(ownMark(domain.text)) }
            return try await deploy(app)
        }
    }

    /// Renews what certbot has for an app, whether it is time or not.
    public func renew(_ app: AppName) async throws -> [String] {
        _ = try await changing { () throws -> [Domain] in try self.domains(of: app) }
        guard access(liveDirectory(app).string, F_OK) == 0 else { throw SiteControlError.notIssued(app) }
        try await certbot(
            ["renew", "--force-renewal", "--no-random-sleep-on-renew", "--cert-name", Self.lineage(app)])
        return try await changing { try await deploy(app) }
    }

    /// Has certbot renew nothing more for an app that is gone; what it has for it is removed.
    public func forget(_ app: AppName) async throws -> [String] {
        guard access(renewal(app).string, F_OK) == 0 else { return [] }
        try await certbot(["delete", "--cert-name", Self.lineage(app)])
        return ["certbot renews no certificate of \(app) any more"]
    }

    /// certbot's deploy hook: serves what it has renewed.
    ///
    /// - Parameter lineage: the directory that certbot names; others than ours are none of our business.
    public func deployed(_ lineage: String) async throws -> [String] {
        let name = FilePath(lineage).lastComponent?.string ?? ""
        guard name.hasPrefix(Self.prefix), let app = try? AppName(String(name.dropFirst(Self.prefix.count))) else {
            return []
        }
        return try await changing {
            // certbot goes on renewing what an app had that has no site just now.
            try SiteValues.load(from: record(app)) == nil ? [] : try await deploy(app)
        }
    }

    /// The certificates that are really served for an app.
    public func status(_ app: AppName) async throws -> [CertificateState] {
        let domains = try await changing { () throws -> [Domain] in try self.domains(of: app) }
        guard nginx.master != nil || domains.isEmpty else { throw SiteControlError.nothingServed }
        let isIssued = access(liveDirectory(app).string, F_OK) == 0
        var states: [CertificateState] = []
        for domain in domains {
            let seen = try await ServedCertificate(runner: runner).of(
                domain, address: ownAddress, port: settings.httpsPort)
            var state = seen.state(for: domain, at: currentTime())
            state.isRenewed = isIssued && !isOwn(domain)
            states.append(state)
        }
        return states
    }

    private static let prefix = "pmo-"
    private static func lineage(_ app: AppName) -> String { prefix + app.text }
    private static func listed(_ domains: [Domain]) -> String { domains.map(\.text).joined(separator: ", ") }

    private func liveDirectory(_ app: AppName) -> FilePath {
        FilePath(settings.letsencrypt).appending("live").appending(Self.lineage(app))
    }

    /// Where certbot has what it renews for an app, and by which hook.
    private func renewal(_ app: AppName) -> FilePath {
        FilePath(settings.letsencrypt).appending("renewal").appending("\(Self.lineage(app)).conf")
    }

    /// The script that certbot runs; not the helper itself, which may be removed while the sites stay.
    private func deployHook() throws -> FilePath {
        let own = realpath("/proc/self/exe", nil)
        defer { free(own) }
        let text = try SiteTemplates.renewalHook(
            program: own.map { String(cString: $0) } ?? RootHelper.installed, certificates: certificates.string,
            pid: settings.pid)
        let path = FilePath(settings.state).appending("renewed")
        try DurableFile.write(Array(text.utf8), to: path, mode: 0o755)
        return path
    }

    /// The domains that nginx serves for an app.
    private func domains(of app: AppName) throws -> [Domain] {
        guard let values = try SiteValues.load(from: record(app)) else { throw SiteControlError.noSite(app) }
        return values.domains
    }

    /// Serves what certbot has for an app, to the domains that it is for and that have none of the operator's own.
    private func deploy(_ app: AppName) async throws -> [String] {
        let parts = try ["privkey.pem", "fullchain.pem"].map { name in
            let path = liveDirectory(app).appending(name)
            guard let text = ProcessText.of(path) else { throw SiteControlError.notIssued(app) }
            return text
        }
        let new = try CertificatePair(pem: parts.joined(separator: "\n"))
        let covered = try self.domains(of: app).filter(new.certificate.covers)
        let (own, domains) = (covered.filter(isOwn), covered.filter { !isOwn($0) })
        let kept =
            own.isEmpty
            ? [] : ["\(app) keeps its own certificate for \(Self.listed(own)), until pmo-release cert issue \(app)"]
        if domains.isEmpty, !own.isEmpty { return kept }
        try new.check(for: domains, at: currentTime())
        try await put(new, for: domains)
        let days = new.certificate.daysLeft(at: currentTime())
        return kept + [
            "\(app) has a certificate of \(new.certificate.issuer) for \(Self.listed(domains)), \(days) days left"
        ]
    }

    /// Puts a certificate in place and has nginx read it; the old ones come back where that does not work.
    private func put(_ new: CertificatePair, for domains: [Domain]) async throws {
        var old: [(FilePath, [UInt8]?)] = []
        let bytes = Array(new.text.utf8)
        do {
            for domain in domains {
                let path = pair(domain.text)
                let was = try DurableFile.read(path)
                guard was != bytes else { continue }
                old.append((path, was))
                try DurableFile.write(bytes, to: path, mode: 0o600)
            }
            guard !old.isEmpty else { return }
            let verdict = try await nginx.test()
            guard verdict.isTaken else { throw blamed(verdict, for: nil) }
            if nginx.master != nil { try await takeOver(nil) }
        } catch {
            for (path, was) in old { if let was { try DurableFile.write(was, to: path, mode: 0o600) } }
            throw error
        }
    }

    private func certbot(_ words: [String]) async throws {
        var environment = HostPrograms.environment
        environment["REQUESTS_CA_BUNDLE"] = settings.acmeAuthority
        environment[RootSettings.variable] = settingsFile?.string
        var arguments = words + ["--non-interactive"]
        if settings.letsencrypt != RootSettings().letsencrypt {
            let place = FilePath(settings.letsencrypt)
            for (option, name) in [("--config-dir", ""), ("--work-dir", "work"), ("--logs-dir", "logs")] {
                arguments += [option, name.isEmpty ? place.string : place.appending(name).string]
            }
        }
        let command = Command(
            executable: try HostPrograms.find("certbot"), arguments: arguments, environment: environment)
        let result = try await runner.run(command, within: .seconds(300))
        guard result.succeeded else { throw HostError.program(name: "certbot", problem: Self.reason(result)) }
    }

    /// certbot tells the authority's own words in lines of `Detail:`.
    private static func reason(_ result: CommandResult) -> String {
        let lines = (result.text + "\n" + String(decoding: result.errorOutput, as: UTF8.self)).split(separator: "\n")
        let details = lines.filter { $0.contains("Detail:") }.map { $0.drop { $0 == " " } }
        return details.isEmpty ? result.problem : details.prefix(3).joined(separator: "; ")
    }
}
