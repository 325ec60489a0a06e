public import ReleaseModel
import SystemPackage

extension SlotStore {
    /// The bytes that a unix socket's path may have (`sun_path` less its end, unix(7)).
    public static let socketPathLimit = 107

    /// Sees to it that a service has its three slots, with a port for each instance where it wants one. Ports are never
    /// taken back, so that nginx's upstream blocks stay the same when a service shrinks and grows.
    ///
    /// - Returns: whether something was added.
    /// - Throws: `noFreePorts`, `socketPathTooLong`, `locked` where the host's lock is not to be had in 30 s.
    public func ensure(_ service: Service) throws(StoreError) -> Bool {
        if service.listen == .socket { try checkSockets(service) }
        let made = try makeDirectories(service.name)
        let added = service.listen == .port ? try ensurePorts(service) : false
        return made || added
    }

    /// Where the instances of a service listen in a slot, that of instance 1 first; none for a worker.
    ///
    /// - Throws: `damaged` where the slot has too few ports: `ensure` comes first.
    public func endpoints(_ service: Service, _ slot: SlotNumber) throws(StoreError) -> [Endpoint] {
        let all = try reservedEndpoints(service, slot)
        guard service.listen != .port || all.count >= service.instances else {
            throw .damaged(
                path: app.slot(service.name, slot).ports,
                problem: "holds \(all.count) ports for \(service.instances) instances")
        }
        return Array(all.prefix(service.instances))
    }

    /// All that a slot has ever reserved for the service, so more than `endpoints` where it had more instances once.
    public func reservedEndpoints(_ service: Service, _ slot: SlotNumber) throws(StoreError) -> [Endpoint] {
        let layout = app.slot(service.name, slot)
        switch service.listen {
        case .none: return []
        case .port: return try PortsFile.read(layout.ports).map(Endpoint.port)
        case .socket: return (1...max(service.instances, 1)).map { .socket(layout.socket($0).string) }
        }
    }

    private func checkSockets(_ service: Service) throws(StoreError) {
        for slot in SlotNumber.allCases {
            let path = app.slot(service.name, slot).socket(service.instances)
            guard path.length <= Self.socketPathLimit else {
                throw .socketPathTooLong(path: path, limit: Self.socketPathLimit)
            }
        }
    }

    private func makeDirectories(_ service: ServiceName) throws(StoreError) -> Bool {
        try app.slots.makeDirectories(mode: 0o711)
        try app.slots.appending(service.text).makeDirectories(mode: 0o711)
        var made = false
        for slot in SlotNumber.allCases where try app.slot(service, slot).root.makeDirectories() { made = true }
        return made
    }

    /// Three slots with enough ports each; the host's lock is taken only where some are missing.
    private func ensurePorts(_ service: Service) throws(StoreError) -> Bool {
        guard try missingPorts(service) > 0 else { return false }
        let lock = try app.host.acquireLock()
        defer { lock.release() }
        // Another process may have been here first.
        let missing = try missingPorts(service)
        guard missing > 0 else { return false }
        var free = try PortAllocation(app).take(missing, for: service.name)[...]
        for slot in SlotNumber.allCases {
            let layout = app.slot(service.name, slot)
            let had = try PortsFile.read(layout.ports)
            let more = free.prefix(max(0, service.instances - had.count))
            free = free.dropFirst(more.count)
            if !more.isEmpty { try PortsFile.write(had + more, to: layout.ports) }
        }
        return true
    }

    private func missingPorts(_ service: Service) throws(StoreError) -> Int {
        var missing = 0
        for slot in SlotNumber.allCases {
            missing += max(0, service.instances - (try PortsFile.read(app.slot(service.name, slot).ports)).count)
        }
        return missing
    }
}
