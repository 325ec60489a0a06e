import ReleaseModel

extension SiteTemplates {
    /// An app's part of nginx's configuration, from `nginx/site.conf`: upstream blocks for each slot of each service,
    /// and a server for each site. It is the same text from deploy to deploy unless the sites change.
    ///
    /// - Throws: a site without a domain, a route to a service without endpoints, or a path that nginx cannot take.
    public static func site(_ context: SiteContext) throws(TemplateError) -> String {
        let app = context.app.text
        let own = TemplateValue.list([["address": .text(try listen(context.listenAddress, context.listenPort))]])
        let shared: [String: TemplateValue] = [
            "listens": try context.front?.httpsListens ?? own,
            "httpListens": try context.front?.httpListens ?? own,
            "settings": context.front?.settings ?? .list([]),
            "headers": context.headers,
            "challenges": .text(try (context.front?.challenges ?? "").nginxQuoted(as: "the path")),
            "fromCurrent": .text(try "from=\(context.appRoot)/current".nginxQuoted(as: "the path")),
            "fromPrevious": .text(try "from=\(context.appRoot)/previous".nginxQuoted(as: "the path")),
            "maintenance": .text(try "\(context.appRoot)/maintenance".nginxQuoted(as: "the path")),
            "maintenancePage": .text(try "\(context.appRoot)/maintenance/index.html".nginxQuoted(as: "the path")),
            "accessLog": .text(try "\(context.logDirectory)/access.log".nginxQuoted(as: "the path")),
            "errorLog": .text(try "\(context.logDirectory)/error.log".nginxQuoted(as: "the path")),
            "logFormat": .text("pmolog_\(app.variablePart)"),
        ]
        let services = context.services.filter { $0.slots.contains { !$0.value.isEmpty } }.sorted { $0.name < $1.name }
        var sites: [[String: TemplateValue]] = []
        for site in context.sites { sites.append(try SiteText(site, context, services.map(\.name)).values) }
        var upstreams: [[String: TemplateValue]] = []
        for service in services { upstreams += try service.upstreams(app: app) }
        return try text(
            PackageResources.site_conf, name: "nginx/site.conf",
            shared.merging([
                "app": .text(app),
                "upstreams": .list(upstreams),
                "services": .list(services.map { $0.map(app: app) }),
                "connection": .text("pmoupgrade_\(app.variablePart)"),
                "asked": .text("pmohost_\(app.variablePart)"),
                "caching": .text("pmocaching_\(app.variablePart)"),
                "plain": .list(context.plain),
                "redirects": .list(try context.redirects()),
                "sites": .list(sites),
            ]) { own, _ in own })
    }
}

extension SiteContext {
    /// The domains that only lead to another one. The port is told where it is not the usual one.
    fileprivate func redirects() throws(TemplateError) -> [[String: TemplateValue]] {
        let port = [80, 443].contains(listenPort) ? "" : ":\(listenPort)"
        var redirects: [[String: TemplateValue]] = []
        for site in sites {
            let target = site.domain.map { front?.origin($0) ?? "$scheme://\($0)\(port)" } ?? ""
            for from in site.redirectFrom {
                redirects.append(["domain": .text(from.text), "origin": .text(target), "tls": try tls(from)])
            }
        }
        return redirects
    }

    /// The domains that have a server without TLS beside the one with it.
    fileprivate var plain: [[String: TemplateValue]] {
        guard let front else { return [] }
        return sites.flatMap { site in (site.domain.map { [$0] } ?? []) + site.redirectFrom }.map { domain in
            ["domain": .text(domain.text), "secureOrigin": .text(front.origin(domain))]
        }
    }

    /// The certificate of a domain, where there is TLS.
    func tls(_ domain: Domain) throws(TemplateError) -> TemplateValue {
        guard let front else { return .list([]) }
        return .list([["certificate": .text(try front.certificate(domain).nginxQuoted(as: "the path"))]])
    }

    /// The headers of every answer; nginx takes a location's instead of a server's, not as well.
    fileprivate var headers: TemplateValue {
        let headers: [(String, String)] =
            front == nil
            ? [("X-Content-Type-Options", "nosniff")]
            : [
                ("Strict-Transport-Security", "$pmo_transport_security"),
                ("X-Content-Type-Options", "$pmo_content_type_options"),
                ("X-Frame-Options", "$pmo_frame_options"), ("Referrer-Policy", "$pmo_referrer_policy"),
            ]
        return .list(headers.map { ["name": .text($0.0), "value": .text($0.1)] })
    }
}

extension SiteService {
    private var filled: [(SlotNumber, [Endpoint])] {
        SlotNumber.allCases.compactMap { number in
            guard let endpoints = slots[number], !endpoints.isEmpty else { return nil }
            return (number, endpoints)
        }
    }

    fileprivate func upstreams(app: String) throws(TemplateError) -> [[String: TemplateValue]] {
        var upstreams: [[String: TemplateValue]] = []
        for (number, endpoints) in filled {
            var servers: [[String: TemplateValue]] = []
            for endpoint in endpoints {
                servers.append(["address": .text(try endpoint.address.nginxQuoted(as: "the socket"))])
            }
            upstreams.append(["name": .text("pmo_\(app)_\(name)_\(number)"), "servers": .list(servers)])
        }
        return upstreams
    }

    fileprivate func map(app: String) -> [String: TemplateValue] {
        let slots = filled.map { number, _ in
            ["number": TemplateValue.text("\(number)"), "upstream": .text("pmo_\(app)_\(name)_\(number)")]
        }
        return [
            "service": .text(name.text), "variable": .text(name.variable(app: app)), "slots": .list(slots),
        ]
    }
}

extension ServiceName {
    /// The nginx variable that holds the upstream of the slot that serves. Neither part can hold `_0`, so that no two
    /// pairs of app and service get one name.
    func variable(app: String) -> String { "pmo_\(app.variablePart)_0\(text.variablePart)" }
}

extension String {
    /// The name as part of an nginx variable, which has letters, digits and `_`: `-` is `_d` and `_` is `__`.
    var variablePart: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "-": result += "_d"
            case "_": result += "__"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
