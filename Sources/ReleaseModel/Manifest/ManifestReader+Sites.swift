import Yams

/// A site as it stands in the file, with the places that the checks across the file speak about.
struct SiteDraft {
    var site: Site
    let routes: [(route: Route, field: ManifestField)]
}

extension ManifestReader {
    /// The name that stands for the app's own domain.
    private static let ownDomain = "default"

    /// `sites:`, ordered by name; no domain stands twice, and there are not too many.
    func readSites() -> [SiteDraft] {
        guard let field = root["sites"] else { return [] }
        var drafts: [SiteDraft] = []
        var domains: Set<Domain> = []
        for entry in field.mapping(example: "{ app.example.org: { root: public } }", atMost: 64)?.entries ?? [] {
            var domain: Domain?
            if entry.key != Self.ownDomain {
                guard let name = entry.name(Domain.self) else { continue }
                if !domains.insert(name).inserted { problems.add("domain “\(name)” stands twice", at: entry.keyNode) }
                domain = name
            }
            if let draft = readSite(domain, entry.field, &domains) { drafts.append(draft) }
        }
        if domains.count >= SiteValues.mostDomains {
            field.refuse("has \(domains.count) domains; an app has less than \(SiteValues.mostDomains)")
        }
        return drafts.sorted { ($0.site.domain?.text ?? "") < ($1.site.domain?.text ?? "") }
    }

    private func readSite(_ domain: Domain?, _ field: ManifestField, _ domains: inout Set<Domain>) -> SiteDraft? {
        let keys = [
            "redirect-from", "root", "spa", "immutable", "routes", "body-size", "timeout", "request-buffering",
        ]
        guard let mapping = field.mapping(keys: keys, example: "{ root: public }") else { return nil }
        var site = Site(domain: domain)
        for item in mapping["redirect-from"]?.items(of: "domains", example: "[www.example.org]") ?? [] {
            guard let name = item.value(Domain.self) else { continue }
            if domains.insert(name).inserted {
                site.redirectFrom.append(name)
            } else {
                item.refuse("“\(name)” stands twice")
            }
        }
        site.root = mapping["root"]?.value(ReleasePath.self)
        site.spa = mapping["spa"]?.flag() ?? false
        site.immutable = mapping["immutable"]?.value(URLPrefix.self)
        let routes = readRoutes(mapping["routes"])
        site.routes = routes.map(\.route)
        site.bodySize = mapping["body-size"]?.size()
        site.timeout = mapping["timeout"]?.time(1...3600)
        site.requestBuffering = mapping["request-buffering"]?.flag()
        check(site, mapping)
        return SiteDraft(site: site, routes: routes)
    }

    private func check(_ site: Site, _ mapping: ManifestMapping) {
        if mapping["root"] == nil, site.routes.isEmpty, mapping["routes"]?.node.mapping?.isEmpty ?? true {
            mapping.field.refuse("needs a root or routes", hint: "add root: public, or routes: { /: web }")
        }
        if mapping["root"] == nil, site.spa { mapping["spa"]?.refuse("needs a root") }
        if site.spa, let field = mapping["routes"], site.routes.contains(where: { $0.prefix.text == "/" }) {
            field.refuse("must not route “/” where unknown paths serve index.html; remove spa or the route")
        }
        guard let prefix = site.immutable, let field = mapping["immutable"] else { return }
        if mapping["root"] == nil {
            field.refuse("needs a root")
        } else if !prefix.text.hasSuffix("/") || prefix.text == "/" {
            field.refuse("must be a folder below the root, such as /assets/")
        } else if site.routes.contains(where: { $0.prefix.isSamePath(as: prefix) }) {
            field.refuse("“\(prefix)” is routed to a service; remove one of the two")
        }
    }

    private func readRoutes(_ field: ManifestField?) -> [(route: Route, field: ManifestField)] {
        var routes: [(route: Route, field: ManifestField)] = []
        for entry in field?.mapping(example: "{ /: web }", atMost: 100)?.entries ?? [] {
            guard let prefix = entry.name(URLPrefix.self), let service = entry.field.value(ServiceName.self) else {
                continue
            }
            if let other = routes.first(where: { $0.route.prefix.isSamePath(as: prefix) }) {
                problems.add("\(entry.field.path) is the same as “\(other.route.prefix)”", at: entry.keyNode)
            } else {
                routes.append((Route(prefix: prefix, service: service), entry.field))
            }
        }
        return routes.sorted { $0.route.prefix < $1.route.prefix }
    }
}

extension URLPrefix {
    /// Whether two prefixes differ at most in a slash at the end.
    func isSamePath(as other: URLPrefix) -> Bool {
        func bare(_ text: String) -> Substring { text.hasSuffix("/") ? text.dropLast() : text[...] }
        return bare(text) == bare(other.text)
    }
}
