import ReleaseModel

/// The values of one site's server block.
struct SiteText {
    private let site: Site
    private let context: SiteContext
    let values: [String: TemplateValue]

    init(_ site: Site, _ context: SiteContext, _ services: [ServiceName]) throws(TemplateError) {
        self.site = site
        self.context = context
        guard let domain = site.domain else {
            throw .unfit(what: "a site of", value: context.app.text, rule: "has no domain")
        }
        for route in site.routes where !services.contains(route.service) {
            throw .unfit(
                what: "the route", value: route.prefix.text, rule: "leads to \(route.service), which does not listen")
        }
        let hasRootRoute = site.routes.contains { $0.prefix.text == "/" }
        values = [
            "domain": .text(domain.text),
            "tls": try context.tls(domain),
            "bodySize": .text("\(site.limits.bodySize.bytes)"),
            "timeout": .text("\(site.limits.timeout.milliseconds)ms"),
            "requestBuffering": site.limits.requestBuffering ? "on" : "off",
            "static": .list(try Self.staticPart(site, context, hasRootRoute: hasRootRoute)),
            "routes": .list(try Self.routes(site, context)),
            "nothingElse": .flag(site.root == nil && !hasRootRoute),
        ]
    }

    private static func staticPart(
        _ site: Site, _ context: SiteContext, hasRootRoute: Bool
    ) throws(TemplateError) -> [[String: TemplateValue]] {
        guard let root = site.root else { return [] }
        let tries: TemplateValue =
            if hasRootRoute {
                "$uri $uri/index.html @root"
            } else if site.spa {
                "$uri $uri/index.html /index.html =404"
            } else {
                "$uri $uri/ =404"
            }
        let parts = try sharedParts(site, root, context)
        let isShared = parts.contains { $0.prefix == "/" }
        var immutable: [[String: TemplateValue]] = []
        // What is shared is the same in the release before.
        if let prefix = site.immutable, !isShared,
            !parts.contains(where: { $0.prefix.withSlash == prefix.text.withSlash })
        {
            let previous = try context.path(in: "previous", root).nginxQuoted(as: "the path")
            immutable = [["prefix": .text(prefix.text), "previousRoot": .text(previous)]]
        }
        var places: [[String: TemplateValue]] = []
        for part in parts { places += try part.locations }
        if !isShared { places.insert(["match": "\"/\"", "apart": .list([])], at: 0) }
        return [
            [
                "root": .text(try context.path(in: "current", root).nginxQuoted(as: "the path")),
                "tries": tries,
                "places": .list(places),
                "notFoundPage": .flag(!site.spa && !hasRootRoute),
                "immutable": .list(immutable),
            ]
        ]
    }

    /// What of the site services write. What a route of a service covers is the service's own.
    private static func sharedParts(
        _ site: Site, _ root: ReleasePath, _ context: SiteContext
    ) throws(TemplateError) -> [SharedPart] {
        var parts: [SharedPart] = []
        for path in context.shared {
            guard root.overlaps(path) else { continue }
            let below = path.below(root) ?? .root
            let prefix = below == .root ? "/" : "/\(below)"
            let isRouted = site.routes.contains { route in
                route.prefix.text != "/" && "\(prefix)/".hasPrefix(route.prefix.text.withSlash)
            }
            guard !isRouted else { continue }
            let shared = "\(context.appRoot)/shared"
            parts.append(
                SharedPart(
                    prefix: prefix, root: root == .root ? shared : "\(shared)/\(root)", path: "\(shared)/\(path)"))
        }
        return parts
    }

    /// A location for each route, longest prefix first; `/api` is `/api` itself and what lies below `/api/`, and not
    /// `/apis`.
    private static func routes(_ site: Site, _ context: SiteContext) throws(TemplateError) -> [[String: TemplateValue]]
    {
        var routes: [[String: TemplateValue]] = []
        for route in site.routes.sorted(by: { $0.prefix.text.utf8.count > $1.prefix.text.utf8.count }) {
            let link = "\(context.appRoot)/current/.pmo/upstream/\(route.service)"
            let root = TemplateValue.text(try link.nginxQuoted(as: "the path"))
            let variable = TemplateValue.text(route.service.variable(app: context.app.text))
            for match in Self.matches(route.prefix.text, hasRoot: site.root != nil) {
                routes.append(["match": .text(match), "root": root, "variable": variable])
            }
        }
        return routes
    }

    private static func matches(_ prefix: String, hasRoot: Bool) -> [String] {
        if prefix == "/" { return [hasRoot ? "@root" : "\"/\""] }
        // `^~`: what is denied among static files is the service's own affair below its routes.
        return prefix.hasSuffix("/") ? ["^~ \"\(prefix)\""] : ["= \"\(prefix)\"", "^~ \"\(prefix)/\""]
    }
}

/// A part of a site that services write: it is served where it lies, and a link that one of them has put there is not
/// followed, since nginx could open what the service cannot.
private struct SharedPart {
    /// What its addresses begin with, without a slash at the end; `/` for the whole site.
    let prefix: String
    /// The directory that the site's root stands for, and the one from which links are none.
    let root: String
    let path: String

    var locations: [[String: TemplateValue]] {
        get throws(TemplateError) {
            let apart = TemplateValue.list([
                [
                    "sharedRoot": .text(try root.nginxQuoted(as: "the path")),
                    "from": .text(try "from=\(path)".nginxQuoted(as: "the path")),
                ]
            ])
            guard prefix != "/" else { return [["match": "\"/\"", "apart": apart]] }
            let quoted = [try prefix.nginxQuoted(as: "the path"), try "\(prefix)/".nginxQuoted(as: "the path")]
            return [["match": .text("= \(quoted[0])"), "apart": apart], ["match": .text(quoted[1]), "apart": apart]]
        }
    }
}

extension String {
    fileprivate var withSlash: String { hasSuffix("/") ? self : "\(self)/" }
}

extension SiteContext {
    /// The absolute path of a directory of the release that a link leads to.
    fileprivate func path(in link: String, _ directory: ReleasePath) -> String {
        directory == .root ? "\(appRoot)/\(link)" : "\(appRoot)/\(link)/\(directory)"
    }
}
