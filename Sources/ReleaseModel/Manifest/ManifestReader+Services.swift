/// A service as it stands in the file; how it listens may be left to the sites that route to it.
struct ServiceDraft {
    var service: Service
    let listen: Listen?
    let field: ManifestField
}

extension ManifestReader {
    private static let serviceKeys = [
        "directory", "command", "instances", "listen", "health", "memory", "cpus", "tasks", "stop", "restart", "inputs",
        "single",
    ]

    /// `services:`, ordered by name.
    func readServices() -> [ServiceDraft] {
        guard let field = root["services"] else { return [] }
        var drafts: [ServiceDraft] = []
        for entry in field.mapping(example: "{ web: { command: node server.js } }", atMost: 64)?.entries ?? [] {
            guard let name = entry.name(ServiceName.self) else { continue }
            if let other = drafts.first(where: { $0.service.name.text.lowercased() == name.text.lowercased() }) {
                problems.add("service “\(name)” differs from “\(other.service.name)” only in case", at: entry.keyNode)
            } else if let draft = readService(name, entry.field) {
                drafts.append(draft)
            }
        }
        return drafts.sorted { $0.service.name < $1.service.name }
    }

    private func readService(_ name: ServiceName, _ field: ManifestField) -> ServiceDraft? {
        guard let mapping = field.mapping(keys: Self.serviceKeys, example: "{ command: node server.js }") else {
            return nil
        }
        if mapping["command"] == nil { field.refuse("has no “command”", hint: "add command: <command>") }
        // An unreadable command must not make the service unknown to the routes.
        var service = Service(name: name, command: mapping["command"]?.command() ?? "")
        if let directory = mapping["directory"]?.value(ReleasePath.self) { service.directory = directory }
        if let instances = mapping["instances"]?.number(1...32) { service.instances = instances }
        service.health = mapping["health"].flatMap(readHealth)
        service.memory = mapping["memory"].flatMap(readMemory)
        service.cpus = mapping["cpus"]?.value(ProcessorShare.self)
        service.tasks = mapping["tasks"]?.number(1...100_000)
        service.stop = mapping["stop"].flatMap(readStop) ?? service.stop
        service.restartInputs = readRestart(mapping, of: service)
        service.single = readSingle(mapping["single"], of: service)
        let listen = mapping["listen"].flatMap { $0.choice(of: ["port", "socket", "none"]) }.flatMap(Listen.init)
        if listen == Listen.none, let health = mapping["health"] {
            health.refuse("needs a service that listens; remove it or “listen: none”")
        }
        return ServiceDraft(service: service, listen: listen, field: field)
    }

    /// nil unless it is true.
    private func readSingle(_ field: ManifestField?, of service: Service) -> Bool? {
        guard let field, field.flag() == true else { return nil }
        if service.instances > 1 { field.refuse("needs instances: 1", hint: "remove single, or set instances: 1") }
        return true
    }

    private func readHealth(_ field: ManifestField) -> HealthCheck? {
        let keys = ["path", "expect", "status", "passes", "within"]
        guard let mapping = field.mapping(keys: keys, example: "{ path: /health }") else { return nil }
        if mapping["path"] == nil { field.refuse("has no “path”", hint: "add path: /health") }
        var health = HealthCheck(path: mapping["path"]?.requestPath() ?? "/")
        health.expect = mapping["expect"]?.text(length: 1...1024, allowing: "\n\t")
        if let status = mapping["status"]?.statusRange() {
            health.lowestStatus = status.lowerBound
            health.highestStatus = status.upperBound
        }
        health.passes = mapping["passes"]?.number(1...20) ?? health.passes
        health.within = mapping["within"]?.time(1...3600) ?? health.within
        return health
    }

    private func readMemory(_ field: ManifestField) -> ByteSize? {
        guard let size = field.size() else { return nil }
        guard size.bytes >= 4 << 20 else {
            field.refuse("must be at least 4M")
            return nil
        }
        return size
    }

    private func readStop(_ field: ManifestField) -> StopRule? {
        guard let mapping = field.mapping(keys: ["signal", "within"], example: "{ signal: TERM, within: 20s }") else {
            return nil
        }
        var rule = StopRule()
        let names = StopSignal.allCases.map(\.rawValue)
        rule.signal = mapping["signal"]?.choice(of: names).flatMap(StopSignal.init) ?? rule.signal
        rule.within = mapping["within"]?.time(0...3600) ?? rule.within
        return rule
    }
}

extension ManifestField {
    /// One of a few words.
    func choice(of words: [String]) -> String? {
        guard let text = text("must be one of \(words.joined(separator: ", "))") else { return nil }
        if words.contains(text) { return text }
        refuse("“\(text.shown(limit: 60))” must be one of \(words.joined(separator: ", "))")
        return nil
    }

    /// What is asked for with GET: `/` and printable ASCII without spaces and `#`, at most 1,024 bytes.
    fileprivate func requestPath() -> String? {
        guard let text = text() else { return nil }
        let isRight =
            text.hasPrefix("/") && !text.hasPrefix("//") && text.utf8.count <= 1024
            && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }
        if isRight { return text }
        refuse(
            "“\(text.shown(limit: 60))” must be a path such as /health: starting with one “/”, "
                + "without spaces, control characters or a host")
        return nil
    }

    /// A status such as `200`, or a range such as `200-299`.
    fileprivate func statusRange() -> ClosedRange<Int>? {
        let rule = "must be a status such as 200, or a range such as 200-399"
        guard let text = text(rule) else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { $0.utf8.count == 3 && $0.utf8.allSatisfy(\.isDigit) ? Int($0) : nil }
        guard (1...2).contains(parts.count), numbers.count == parts.count,
            numbers.allSatisfy({ (100...599).contains($0) }),
            let low = numbers.first, let high = numbers.last, low <= high
        else {
            refuse(rule)
            return nil
        }
        return low...high
    }
}
