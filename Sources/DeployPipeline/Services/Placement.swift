import Glibc
public import HostControl
public import ReleaseModel
import ReleaseStore
import SiteTemplates
import SystemPackage

/// A service of a release in one of its slots.
public struct Placement: Sendable {
    /// The service as the release's manifest has it.
    public let service: Service
    /// The slot.
    public let slot: SlotNumber
    /// Where its instances listen, in order; empty for a worker.
    public let endpoints: [Endpoint]
    /// Its instances as the supervisor knows them.
    public let instances: [SupervisedInstance]
    /// How far their logs had come before they were started.
    let marks: [LogMark]
    /// Whether its processes were started by another release, which may be live or warm: whoever takes this placement
    /// back must not stop them.
    public var isCarried = false

    /// The instances of a service in a slot.
    ///
    /// - Throws: the store's error when the slot's ports cannot be read.
    public init(_ service: Service, in slot: SlotNumber, of host: AppHost) throws {
        self.service = service
        self.slot = slot
        endpoints = try service.listen == .none ? [] : host.slots.endpoints(service, slot)
        let place = host.layout.slot(service.name, slot)
        instances = (0..<service.instances).map { number in
            SupervisedInstance(
                unit: place.unitName(number), directory: place.instance(number),
                logDirectory: host.layout.serviceLogs(service.name).appending("\(slot).\(number)"),
                description: "\(host.layout.name) \(service.name) (slot \(slot), instance \(number))",
                limits: InstanceLimits(memory: service.memory, cpus: service.cpus, tasks: service.tasks),
                stop: service.stop, writable: [place.run, host.layout.shared, host.layout.home],
                app: host.layout.root)
        }
        marks = instances.map(host.supervisor.mark)
    }
}

extension Placement {
    /// Writes what the supervisor reads: links to the release's own scripts, and the slot's port or socket.
    /// Call it only while nothing runs in the slot.
    func write(for release: ReleaseLayout, in app: AppLayout) throws {
        let scripts = release.units.appending(service.name.text)
        // What it may write to must be there before it starts.
        try DurableFile.makeDirectories(app.slot(service.name, slot).run)
        try app.home.makeDirectories(mode: 0o700)
        for (number, instance) in instances.enumerated() {
            let control = instance.directory.appending("control")
            let log = instance.directory.appending("log")
            for directory in [instance.directory, control, log, instance.logDirectory] {
                try DurableFile.makeDirectories(directory)
            }
            // Before the links: a supervisor that sees the directory for the first time must not start it.
            try DurableFile.write([], to: instance.directory.appending("down"), mode: 0o640)
            try DurableFile.link(at: instance.directory.appending("run"), to: scripts.appending("run").string)
            try DurableFile.link(at: instance.directory.appending("finish"), to: scripts.appending("finish").string)
            try DurableFile.link(at: control.appending("t"), to: scripts.appending("control-t").string)
            let slot = SiteTemplates.slotFile(
                endpoint: endpoints.isEmpty ? nil : endpoints[number], instance: number)
            try DurableFile.write(Array(slot.utf8), to: instance.directory.appending("slot"), mode: 0o644)
            let logUnit = SiteTemplates.logUnit(directory: instance.logDirectory.string)
            try DurableFile.write(Array(logUnit.utf8), to: log.appending("run"), mode: 0o755)
        }
    }
}

extension SystemdContext {
    init(_ instance: SupervisedInstance, _ systemd: SystemdAbilities, home: FilePath) {
        self.init(
            description: instance.description, directory: instance.directory.string,
            logDirectory: instance.logDirectory.string, memory: instance.limits.memory, cpus: instance.limits.cpus,
            tasks: instance.limits.tasks, stop: instance.stop, isUser: systemd.isUser)
        hasRestartSteps = systemd.version >= 254
        guard systemd.canSandbox else { return }
        writable = instance.writable.map(\.string)
        hidden = [home.appending(".ssh").string, HostLayout(home: home).private.appending("keys.json").string]
        alone = instance.app.map { (home.string, $0.string) }
        // The managers would run for it what none of this holds for; logind ends all that is its caller's.
        hidden += ["/run/dbus", "/run/systemd/private", "/run/systemd/io.systemd.Login"]
        // What is known of all sites, with what their visitors ask for.
        hidden += BuildSandbox.placesOfSites
        if systemd.isUser { hidden += ["systemd", "bus"].map { "/run/user/\(getuid())/\($0)" } }
    }
}
