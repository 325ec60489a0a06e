import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// What holds for every app of a host: read where the host has an app, decided at the first `create`.
struct HostSetup {
    let host: HostLayout
    let listen: String?
    let supervisor: String?
    let nginx: String?

    func settings() throws -> HostSettings {
        try refuseRootsHome()
        let asked = try listen.map(Self.address)
        let kind = try supervisor.map(Self.kind)
        let server = try nginx.map(Self.server)
        if let known = try? HostSettings.load(from: host.settings) { return try agree(known, asked, kind, server) }
        let place = asked ?? ("0.0.0.0", ProcessOwner.isRoot ? 80 : 8080)
        let isHost = server == .host || (server == nil && asked == nil && isInstalled)
        if !isHost, !Nginx.portIsFree(address: place.0, port: place.1) {
            let owner = ListeningSockets.owner(ofPort: place.1)
            throw CreateError.portTaken(
                address: place.0, place.1, by: owner.map { "\($0.name) (pid \($0.pid))" } ?? "another program")
        }
        if kind != .runit, SupervisorDetection.lacksUserManager { throw CreateError.noUserManager(ProcessOwner.name) }
        let chosen = kind ?? (SupervisorDetection.detect() == "systemd" ? .systemd : .runit)
        if chosen == .systemd, SupervisorDetection.detect() != "systemd" { throw CreateError.noSystemd }
        _ = try HostPrograms.find(chosen == .runit ? "runsvdir" : "systemctl")
        guard isHost else {
            return HostSettings(listenAddress: place.0, listenPort: place.1, supervisor: chosen)
        }
        if asked != nil { throw CreateError.listenOfHost }
        return try hostNginx(chosen)
    }

    /// Whether the package's root helper serves this home, and sudo lets its user ask.
    private var isInstalled: Bool {
        guard access(RootHelper.installed, X_OK) == 0, let root = try? RootSettings.load() else { return false }
        return FilePath(root.home).resolved == host.home && root.user == ProcessOwner.name
            && access("\(root.nginx)/nginx.conf", F_OK) == 0
    }

    /// Where the package is installed, its home is its user's; one that is root's was there before, or is a volume.
    private func refuseRootsHome() throws {
        guard ProcessOwner.isRoot, access(RootHelper.installed, X_OK) == 0 else { return }
        let root = try RootSettings.load()
        guard FilePath(root.home).resolved == host.home, root.user != "root" else { return }
        throw CreateError.rootsHome(root.home, of: root.user)
    }

    private func hostNginx(_ supervisor: SupervisorKind) throws -> HostSettings {
        let own = getenv(RootSettings.variable).map { String(cString: $0) }
        let root = try RootSettings.load(from: own.map { FilePath($0) })
        guard FilePath(root.home).resolved == host.home else { throw CreateError.otherHome(root.home) }
        return HostSettings(
            listenAddress: root.addresses?.first ?? "0.0.0.0", listenPort: root.httpsPort, supervisor: supervisor,
            nginx: .host, rootSettings: own)
    }

    private func agree(
        _ known: HostSettings, _ asked: (String, Int)?, _ kind: SupervisorKind?, _ server: NginxKind?
    ) throws -> HostSettings {
        if let server, server != known.nginx ?? .own {
            throw CreateError.hostDiffers(
                what: "nginx", has: (known.nginx ?? .own).rawValue, asked: "\(server.rawValue)")
        }
        if let asked, asked != (known.listenAddress, known.listenPort) {
            throw CreateError.hostDiffers(
                what: "nginx", has: "\(known.listenAddress):\(known.listenPort)", asked: "on \(asked.0):\(asked.1)")
        }
        if let kind, kind != known.supervisor {
            throw CreateError.hostDiffers(what: "supervisor", has: "\(known.supervisor)", asked: "\(kind)")
        }
        return known
    }

    /// `8080` or `127.0.0.1:8080`.
    static func address(_ text: String) throws -> (String, Int) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let address = parts.count == 2 ? parts[0] : "0.0.0.0"
        let numbers = address.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let port = Int(parts[parts.count - 1]), (1...65535).contains(port),
            parts[parts.count - 1] == "\(port)",
            numbers.count == 4, numbers.allSatisfy({ UInt8($0).map(String.init) == String($0) })
        else { throw CreateError.listen(text) }
        return (address, port)
    }

    private static func server(_ text: String) throws -> NginxKind {
        guard let kind = NginxKind(rawValue: text) else { throw CreateError.server(text) }
        return kind
    }

    private static func kind(_ text: String) throws -> SupervisorKind {
        guard let kind = SupervisorKind(rawValue: text) else { throw CreateError.supervisor(text) }
        return kind
    }
}
