import ReleaseModel

extension SiteTemplates {
    /// The systemd unit of an instance, from `templates/service.unit` (systemd.service(5), systemd.exec(5)).
    ///
    /// - Throws: a path that a unit file cannot hold.
    public static func systemdUnit(_ context: SystemdContext) throws(TemplateError) -> String {
        let isTemporary = ["/tmp/", "/var/tmp/"].contains { context.directory.hasPrefix($0) }
        let seconds = (context.stop.within.milliseconds + 999) / 1000
        let alone = try alone(context)
        return try text(
            PackageResources.service_unit, name: "templates/service.unit",
            [
                "description": .text(try context.description.unitText(as: "the description")),
                "program": .text(try "\(context.directory)/run".unitProgram()),
                "directory": .text(try context.directory.unitText(as: "the path")),
                "log": .text(try "\(context.logDirectory)/current".unitText(as: "the path")),
                "signal": .text(context.stop.signal.rawValue),
                "stopSeconds": .text("\(max(1, seconds))"),
                "memory": optional(context.memory, "memory") { "\($0.bytes)" },
                "cpus": optional(context.cpus, "cpus") { "\($0.percent)" },
                "tasks": optional(context.tasks, "tasks") { "\($0)" },
                "restartSteps": .flag(context.hasRestartSteps),
                "slowRestart": .flag(!context.hasRestartSteps),
                // A user's manager has mounts to give in a user namespace alone.
                "privateUsers": .flag(context.isUser && context.writable != nil),
                // An app below /tmp, or in somebody's home, would be hidden from itself.
                "privateTmp": .flag((!context.isUser || context.writable != nil) && !isTemporary),
                "protectHome": .flag(
                    context.writable != nil
                        && !["/home/", "/root/", "/run/user/"].contains { context.directory.hasPrefix($0) }),
                "writable": try paths(context.writable ?? [], "writable"),
                "hidden": try paths(context.hidden, "hidden"),
                "alone": .flag(!alone.home.isEmpty), "home": .text(alone.home), "app": .text(alone.app),
                "own": .text(alone.own),
                "target": .text(context.isUser ? "default.target" : "multi-user.target"),
            ])
    }

    private static func optional<Value>(
        _ value: Value?, _ name: String, _ text: (Value) -> String
    ) -> TemplateValue {
        value.map { .list([[name: .text(text($0))]]) } ?? .flag(false)
    }

    /// What a service sees of the apps; empty where it sees all. A colon would end the path there (systemd.exec(5)).
    private static func alone(_ context: SystemdContext) throws(TemplateError) -> (
        home: String, app: String, own: String
    ) {
        guard let (home, app) = context.alone, let writable = context.writable, !home.contains(":") else {
            return ("", "", "")
        }
        return (try home.unitPath(), try app.unitOptionalPath(), try row(writable))
    }

    /// Paths in a row, each of which may be missing.
    private static func paths(_ paths: [String], _ name: String) throws(TemplateError) -> TemplateValue {
        optional(paths.isEmpty ? nil : try row(paths), name) { $0 }
    }

    private static func row(_ paths: [String]) throws(TemplateError) -> String {
        var words: [String] = []
        for path in paths { words.append(try path.unitOptionalPath()) }
        return words.joined(separator: " ")
    }

    /// The unit that resumes every app of a home at boot, from `templates/pmo-release-resume.service`.
    ///
    /// - Throws: a path that a unit file cannot hold.
    public static func bootUnit(program: String, home: String, isUser: Bool) throws(TemplateError) -> String {
        try text(
            PackageResources.pmo_release_resume_service, name: "templates/pmo-release-resume.service",
            [
                "description": .text(try home.unitText(as: "the path")),
                "condition": .text(try program.unitText(as: "the path")),
                "program": .text(try program.unitProgram()), "home": .text(try home.unitProgram()),
                "target": .text(isUser ? "default.target" : "multi-user.target"),
            ])
    }
}

extension String {
    /// The text as a setting's value: `%` begins a specifier, a backslash at the end joins lines, and white space
    /// around is lost (systemd.syntax(7)).
    fileprivate func unitText(as what: String) throws(TemplateError) -> String {
        let text = try checked(as: what, without: "\\", rule: "must not hold a backslash, which joins lines in a unit")
        guard !text.isEmpty, text.first?.isWhitespace == false, text.last?.isWhitespace == false else {
            throw .unfit(what: what, value: self, rule: "must not begin or end with white space")
        }
        return text.replacing(["%": "%%"])
    }

    /// The path as `ExecStart=` takes it: in double quotes, with `$` doubled.
    fileprivate func unitProgram() throws(TemplateError) -> String {
        guard hasPrefix("/") else { throw .unfit(what: "the path", value: self, rule: "must be absolute") }
        return "\"\(try unitText(as: "the path").replacing(["\"": "\\\"", "$": "$$"]))\""
    }

    /// The path in a list of paths, in double quotes, with the `-` that lets it be missing (systemd.exec(5)).
    fileprivate func unitOptionalPath() throws(TemplateError) -> String { "\"-\(try unitPath())\"" }

    /// The path between double quotes.
    fileprivate func unitPath() throws(TemplateError) -> String {
        guard hasPrefix("/") else { throw .unfit(what: "the path", value: self, rule: "must be absolute") }
        return try unitText(as: "the path").replacing(["\"": "\\\""])
    }

    private func replacing(_ pairs: [Unicode.Scalar: String]) -> String {
        var result = ""
        for scalar in unicodeScalars { result += pairs[scalar] ?? String(scalar) }
        return result
    }
}
