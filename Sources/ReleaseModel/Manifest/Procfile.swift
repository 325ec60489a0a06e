/// A `Procfile`: one `name: command` a line, comments with `#`, LF or CRLF, the last line with or without an end.
struct Procfile {
    static let fileName = "Procfile"
    /// A process type and its command line.
    struct Line {
        let name: ServiceName
        let command: String
    }
    /// The processes in the order of the file, without `release`.
    let processes: [Line]
    /// The command of `release`, which migrates.
    let release: String?

    /// Reads the file.
    ///
    /// - Throws: every line that is wrong.
    init(_ bytes: [UInt8]) throws(ManifestError) {
        let file = Self.fileName
        guard bytes.count <= 256 << 10 else { throw ManifestError(file: file, problem: "is larger than 256 KiB") }
        let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        guard let text = String(validating: bytes.dropFirst(hasMark ? 3 : 0), as: UTF8.self) else {
            throw ManifestError(file: file, problem: "is not UTF-8 text")
        }
        var processes: [Line] = []
        var release: String?
        var problems: [ManifestError.Problem] = []
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, scalars) in lines.enumerated() {
            do {
                guard let line = try Self.read(String(scalars)) else { continue }
                let known = processes.map(\.name.text) + (release == nil ? [] : ["release"])
                try Self.refuseSecond(line.name, after: known)
                if line.name.text == "release" { release = line.command } else { processes.append(line) }
            } catch {
                problems.append(ManifestError.Problem(line: index + 1, problem: error.description, hint: error.hint))
            }
        }
        if problems.isEmpty, processes.isEmpty {
            problems.append(ManifestError.Problem(problem: "names no process to run", hint: "add web: <command>"))
        }
        if processes.count > 64 { problems.append(ManifestError.Problem(problem: "names more than 64 processes")) }
        if let error = ManifestError(file: file, problems: problems) { throw error }
        self.processes = processes
        self.release = release
    }

    private static func read(_ line: String) throws(InvalidValue) -> Line? {
        let text = line.trimmed
        if text.isEmpty || text.hasPrefix("#") { return nil }
        guard let colon = text.firstIndex(of: ":") else {
            throw InvalidValue("line", text, "must be “name: command”", hint: hint(for: text))
        }
        let name = try ServiceName(String(text[..<colon]).trimmed)
        let command = String(text[text.index(after: colon)...]).trimmed
        guard !command.isEmpty else { throw InvalidValue("line", text, "has no command") }
        guard command.utf8.count <= 65_536,
            !command.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7f })
        else { throw InvalidValue("line", text, "must hold no control characters and at most 64 KiB") }
        return Line(name: name, command: command)
    }

    /// The line as it was meant, where its colon alone is missing; else as the command of `web`.
    private static func hint(for text: String) -> String {
        let words = text.split(separator: " ", maxSplits: 1)
        guard words.count == 2, ["web", "worker", "release"].contains(words[0].lowercased()) else {
            return "web: \(text.shown(limit: 60))"
        }
        return "\(words[0]): \(String(words[1]).trimmed.shown(limit: 60))"
    }

    private static func refuseSecond(_ name: ServiceName, after known: [String]) throws(InvalidValue) {
        guard let other = known.first(where: { $0.lowercased() == name.text.lowercased() }) else { return }
        let rule = other == name.text ? "stands twice" : "differs from “\(other)” only in case"
        throw InvalidValue("process", name.text, rule)
    }
}

extension Procfile {
    /// The manifest that it stands for, built as the tree's kind of project wants.
    func manifest(in tree: some SourceTree) throws(ManifestError) -> Manifest {
        let commands = processes.map(\.command) + [release].compactMap(\.self)
        let web = processes.first { $0.name.text == "web" }
        let project = try DetectedProject.build(of: tree, for: commands, web: web?.command)
        var manifest = Manifest(origin: .procfile(project?.kind))
        manifest.build = project?.steps ?? []
        manifest.notes = project?.notes ?? []
        manifest.migrate = release
        manifest.services = processes.map { line in
            line.name.text == "web"
                ? .web(line.command, name: line.name) : Service(name: line.name, command: line.command)
        }.sorted { $0.name < $1.name }
        if let web { manifest.sites = [.leading(to: web.name)] }
        return manifest
    }
}

extension Service {
    /// A service known only by its command: its `/` may be missing or a redirect, so that any answer below 500 passes.
    static func web(_ command: String, name: ServiceName = .web) -> Service {
        let mentionsSocket = command.mentionsVariable("SOCKET") && !command.mentionsVariable("PORT")
        return Service(
            name: name, command: command, listen: mentionsSocket ? .socket : .port,
            health: HealthCheck(path: "/", status: 100...499, within: TimeLimit(seconds: 60)))
    }
}

extension Site {
    /// The app's own domain, all of it routed to one service.
    static func leading(to service: ServiceName) -> Site {
        Site(domain: nil, routes: [Route(prefix: .root, service: service)])
    }
}

extension String {
    /// Without white space and carriage returns around it.
    var trimmed: String {
        let isSpace = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" || scalar == "\r" }
        let start = unicodeScalars.drop(while: isSpace)
        guard let end = start.lastIndex(where: { !isSpace($0) }) else { return "" }
        return String(start[...end])
    }

    /// Whether `$NAME` or `${NAME` stands in the text, and not a longer name.
    func mentionsVariable(_ name: String) -> Bool {
        split(separator: "$", omittingEmptySubsequences: false).dropFirst().contains { part in
            let rest = part.hasPrefix("{") ? part.dropFirst() : part
            let next = rest.dropFirst(name.count).utf8.first
            return rest.hasPrefix(name) && !(next.map { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") } ?? false)
        }
    }

    /// The program that a command line starts, without assignments and `exec` before it, and its directory.
    var programName: String {
        let words = split { $0 == " " || $0 == "\t" || $0 == "\n" }
        let program = words.first { !$0.contains("=") && $0 != "exec" && $0 != "env" }
        return program?.split(separator: "/").last.map(String.init) ?? ""
    }
}
