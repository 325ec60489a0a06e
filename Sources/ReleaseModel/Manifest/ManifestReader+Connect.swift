extension ManifestReader {
    /// Puts services and sites together: routes lead to services that listen, a site is implied where only one is
    /// possible, and something is there to deploy.
    func connect(_ drafts: [ServiceDraft], _ sites: [SiteDraft], in manifest: inout Manifest) {
        check(routesOf: sites, leadTo: drafts)
        manifest.sites = sites.map(\.site)
        var routed = Set(sites.flatMap { $0.site.routes.map(\.service) })
        if root["sites"] == nil, let service = impliedService(drafts) {
            let prefix = URLPrefix.root
            manifest.sites = [Site(domain: nil, routes: [Route(prefix: prefix, service: service)])]
            routed.insert(service)
        }
        manifest.services = drafts.map { draft in
            var service = draft.service
            service.listen = draft.listen ?? (service.health != nil || routed.contains(service.name) ? .port : .none)
            if service.single == true, service.listen != .none {
                draft.field.refuse(
                    "is single and listens: without two side by side for a moment, requests would be lost",
                    hint: "remove single")
            }
            return service
        }
        if root["services"] == nil, root["sites"] == nil {
            problems.add(
                "needs a site or a service", at: nil, hint: "add sites: { default: { root: public } }, or services: …")
        }
    }

    private func check(routesOf sites: [SiteDraft], leadTo drafts: [ServiceDraft]) {
        let names = drafts.map(\.service.name.text)
        for (route, field) in sites.flatMap(\.routes) {
            guard let draft = drafts.first(where: { $0.service.name == route.service }) else {
                let nearest = nearestName(to: route.service.text, among: names).map { "; did you mean “\($0)”?" }
                let known =
                    names.isEmpty ? "; there are no services" : "; services here: \(names.joined(separator: ", "))"
                field.refuse("leads to “\(route.service)”, which is no service\(nearest ?? known)")
                continue
            }
            if draft.listen == Listen.none {
                field.refuse("leads to “\(route.service)”, which has “listen: none”")
            }
        }
    }

    /// The service that an unnamed site leads to: `web`, or the only one that listens.
    private func impliedService(_ drafts: [ServiceDraft]) -> ServiceName? {
        let candidates = drafts.filter { $0.listen != Listen.none }
        if let web = candidates.first(where: { $0.service.name.text == "web" }) { return web.service.name }
        let listening = candidates.filter { $0.listen != nil || $0.service.health != nil }
        return listening.count == 1 ? listening[0].service.name : nil
    }
}
