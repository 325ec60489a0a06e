import ReleaseModel

extension SiteTemplates {
    /// Where programs are looked for unless the app's environment says otherwise.
    public static let programPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The scripts of a service, from `templates/run`, `finish` and `control-t`.
    ///
    /// - Throws: a value that no shell script can hold.
    public static func serviceUnit(_ context: UnitContext) throws(TemplateError) -> ServiceUnit {
        let service = context.service
        let title = TemplateValue.text("Service \(service.name) of \(context.app)")
        let signal = TemplateValue.text(service.stop.signal.rawValue)
        let tenths = TemplateValue.text("\((service.stop.within.milliseconds + 99) / 100)")
        return ServiceUnit(
            run: try text(PackageResources.run, name: "templates/run", runValues(context, title)),
            finish: try text(
                PackageResources.finish, name: "templates/finish", ["title": title, "signal": signal, "tenths": tenths]),
            stop: try text(PackageResources.control_t, name: "templates/control-t", ["title": title, "signal": signal]))
    }

    private static func runValues(
        _ context: UnitContext, _ title: TemplateValue
    ) throws(TemplateError) -> [String: TemplateValue] {
        let release = context.releaseRoot
        let service = context.service
        let directory = service.directory == .root ? release : "\(release)/\(service.directory)"
        let path = context.path.map { $0.hasPrefix("/") ? $0 : "\(release)/\($0)" } + [programPath]
        return [
            "title": title,
            "fixedPath": try quoted(programPath, "PATH"),
            "path": try quoted(path.joined(separator: ":"), "PATH"),
            "home": try quoted(context.home ?? context.appHome, "HOME"),
            "seal": .flag(context.isSealed),
            "sealScript": try quoted("\(release)/.pmo/seal", "the path"),
            "releases": try quoted(context.releases, "the path"),
            "environmentFile": try quoted("\(release)/.pmo/env", "the path"),
            "app": try quoted(context.app.text, "app"),
            "service": try quoted(service.name.text, "service"),
            "commit": try quoted(context.commit.text, "commit"),
            "branch": try quoted(context.branch, "branch"),
            "describe": try quoted(context.describe ?? context.commit.short, "describe"),
            "release": try quoted(release, "the path"),
            "directory": try quoted(directory, "the path"),
            "memory": service.memory.map { .list([["memory": .text("\(max(1, $0.bytes / 1024))")]]) } ?? .flag(false),
            "command": try quoted(service.command.shellCommand, "command"),
        ]
    }

    /// The script `seal`, from `templates/seal`: runs a command for which a directory is read-only.
    public static var seal: [UInt8] { PackageResources.seal }

    /// The script `log/run`, from `templates/log-run`. A path that a shell script cannot hold gives an empty script.
    public static func logUnit(directory: String) -> String {
        (try? text(PackageResources.log_run, name: "templates/log-run", ["directory": quoted(directory, "the path")]))
            ?? ""
    }

    static func quoted(_ text: String, _ what: String) throws(TemplateError) -> TemplateValue {
        guard !text.utf8.contains(0) else { throw .unfit(what: what, value: text, rule: "must not hold a NUL") }
        return .text(text.singleQuoted)
    }
}

extension UnitContext {
    /// `<app>/releases`.
    fileprivate var releases: String {
        String(releaseRoot[..<(releaseRoot.lastIndex(of: "/") ?? releaseRoot.endIndex)])
    }

    /// `<app>/home` of `<app>/releases/<id>`.
    fileprivate var appHome: String {
        let parts = releaseRoot.split(separator: "/").dropLast(2)
        return "/" + (parts.map(String.init) + ["home"]).joined(separator: "/")
    }
}
