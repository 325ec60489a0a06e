import Glibc
public import ReleaseModel
public import SystemPackage

/// The files that one configuration of nginx names.
public struct NginxFiles: Sendable {
    /// The directory whose `*.conf` are the sites.
    public var sites: FilePath
    /// The pid file.
    public var pid: FilePath
    /// The unix socket on which nginx says its generation.
    public var control: FilePath
    /// A text that differs from configuration to configuration.
    public var generation: String
}

/// An nginx of our own, run by the supervisor. A site that it refuses never reaches the live files, and a reload counts
/// only once the new configuration answers.
public struct Nginx: Sendable {
    /// How long nginx may take to start or to take over a configuration.
    static let takeoverLimit = Duration.seconds(10)

    let directory: FilePath
    let supervisor: any Supervisor
    let runner: any CommandRunner
    let listen: (address: String, port: Int)?
    let render: @Sendable (NginxFiles) throws -> String

    /// An nginx in a directory.
    ///
    /// - Parameter listen: where the main configuration listens; looked at before a start.
    /// - Parameter render: makes the main configuration for some files.
    public init(
        directory: FilePath, supervisor: any Supervisor, runner: any CommandRunner,
        listen: (address: String, port: Int)? = nil,
        render: @escaping @Sendable (NginxFiles) throws -> String
    ) {
        self.directory = directory
        self.supervisor = supervisor
        self.runner = runner
        self.listen = listen
        self.render = render
    }

    var sites: FilePath { directory.appending("sites") }
    var configuration: FilePath { directory.appending("nginx.conf") }
    var pidFile: FilePath { directory.appending("nginx.pid") }
    var control: FilePath { directory.appending("control.sock") }

    var instance: SupervisedInstance {
        SupervisedInstance(
            unit: "nginx", directory: directory.appending("service"), logDirectory: directory.appending("logs/nginx"),
            description: "nginx of pmo-release", stop: StopRule(signal: .quit, within: TimeLimit(seconds: 10)),
            // The home: each app has its access log there.
            writable: [directory.removingLastComponent().removingLastComponent()])
    }

    /// The file of an app's site.
    public func siteFile(_ app: AppName) -> FilePath { sites.appending("\(app).conf") }

    /// Whether a TCP port can be bound.
    public static func portIsFree(address: String, port: Int) -> Bool {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { return false }
        defer { close(file) }
        var on: Int32 = 1
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(port).bigEndian
        guard inet_pton(AF_INET, address, &name.sin_addr) == 1 else { return false }
        return withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        } == 0
    }

    /// Puts the site in place of the app's own, in a copy, and lets nginx test that copy; the live files are untouched.
    ///
    /// - Throws: `HostError.siteRefused`, or `HostError.otherSiteRefused` that names the file.
    public func test(site: String, app: AppName) async throws(HostError) {
        try prepareDirectories()
        let stage = directory.appending("stage.\(getpid())")
        defer { NginxStage.remove(stage) }
        try makeDirectory(stage)
        let stagedSites = stage.appending("sites")
        try makeDirectory(stagedSites)
        for name in siteNames() where name != "\(app).conf" {
            symlink(sites.appending(name).string, stagedSites.appending(name).string)
        }
        try write(site, to: stagedSites.appending("\(app).conf"))
        let main = try rendered(
            NginxFiles(
                sites: stagedSites, pid: stage.appending("pid"), control: stage.appending("sock"), generation: "stage"))
        try write(main, to: stage.appending("nginx.conf"))
        let result = try await nginx(["-t", "-q", "-c", stage.appending("nginx.conf").string])
        guard !result.succeeded else { return }
        // Its last line names the copy, which nobody will find.
        let lines = String(decoding: result.errorOutput, as: UTF8.self)
            .replacing(stagedSites.string, with: sites.string).split(separator: "\n")
            .filter { !$0.contains(stage.string) }
        let message = lines.isEmpty ? result.problem : lines.suffix(2).joined(separator: "; ")
        let others = siteNames().filter { $0 != "\(app).conf" && message.contains(sites.appending($0).string) }
        if let other = others.first { throw .otherSiteRefused(file: sites.appending(other).string, message: message) }
        throw .siteRefused(app: app.text, message: message)
    }

    /// Makes a site live. The old file is kept until nginx answers with the new configuration, and put back if it does not.
    ///
    /// - Returns: false when the same text is live already.
    public func install(site: String, app: AppName) async throws(HostError) -> Bool {
        let file = siteFile(app)
        let old = ProcessGroup.text(file.string)
        guard old != site else { return false }
        try await test(site: site, app: app)
        try write(site, to: file)
        do throws(HostError) {
            try await reload()
        } catch {
            if let old { try write(old, to: file) } else { unlink(file.string) }
            try? await reload()
            throw error
        }
        return true
    }

    /// Takes an app's site away.
    public func remove(app: AppName) async throws(HostError) {
        guard unlink(siteFile(app).string) == 0 else { return }
        if await isRunning() { try await reload() }
    }

    /// Starts nginx where it does not run.
    ///
    /// - Throws: `HostError.portTaken` with who holds the port.
    public func ensureRunning() async throws(HostError) {
        guard await !isRunning() else { return }
        try await supervisor.prepare([try prepareInstance()])
        try await checkPort()
        let generation = newGeneration()
        try write(try rendered(files(generation)), to: configuration)
        try await test()
        unlink(control.string)
        try await supervisor.start(instance)
        try await waitFor(generation)
    }

    /// Tests what is live, as a whole; there is something once it was started.
    public func test() async throws(HostError) {
        guard access(configuration.string, F_OK) == 0 else { throw .nginx("no site has been live yet") }
        let tested = try await nginx(["-t", "-q", "-c", configuration.string])
        guard tested.succeeded else { throw .nginx(tested.problem) }
    }

    /// `nginx -t` passes over a port that is in use, and a start would only try again and again. One that is ours, and
    /// about to answer, holds its port rightly.
    private func checkPort() async throws(HostError) {
        guard let listen, try await supervisor.status(instance).state == .down,
            !Self.portIsFree(address: listen.address, port: listen.port)
        else { return }
        let owner = ListeningSockets.owner(ofPort: listen.port)
        throw .portTaken(
            port: listen.port, holder: owner.map { "\($0.name) (pid \($0.pid))" } ?? "another program")
    }

    /// Writes what the supervisor needs to know of nginx; starts nothing.
    public func prepareInstance() throws(HostError) -> SupervisedInstance {
        try prepareDirectories()
        try writeService()
        return instance
    }

    /// Stops nginx.
    public func stop() async throws(HostError) {
        guard access(instance.directory.string, F_OK) == 0 else { return }
        _ = try await supervisor.stop(instance, rule: instance.stop)
    }

    /// Whether nginx answers on its control socket.
    public func isRunning() async -> Bool { await generation() != nil }
}
