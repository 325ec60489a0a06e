import Glibc
public import ReleaseModel
public import SystemPackage

/// Where the root helper finds the apps and the host's nginx. Root decides it, in `/etc/pmo-release/root.json`; what is
/// left out is as on a Debian host.
public struct RootSettings: Codable, Sendable, Equatable {
    /// The file that root may write.
    public static let file: FilePath = "/etc/pmo-release/root.json"
    /// The variable that names another file, for whoever needs no sudo.
    public static let variable = "PMO_ROOT_SETTINGS"

    /// Where the apps are.
    public var home = "/srv/pmo"
    /// The user that they belong to.
    public var user = "pmo"
    /// The directory of nginx's configuration.
    public var nginx = "/etc/nginx"
    /// The file with nginx's process number.
    public var pid = "/run/nginx.pid"
    /// The user of nginx's workers.
    public var worker = "www-data"
    /// Whether systemd starts nginx, where it runs; else it is started by itself.
    public var systemd = true
    /// The helper's own: what is served, certificates, challenges.
    public var state = "/var/lib/pmo-release"
    /// A directory of logs for each app.
    public var logs = "/var/log/pmo-release"
    /// The IP addresses on which nginx listens; nil for all that the host has.
    public var addresses: [String]?
    /// The port without TLS.
    public var httpPort = 80
    /// The port with TLS.
    public var httpsPort = 443
    /// certbot's configuration.
    public var letsencrypt = "/etc/letsencrypt"
    /// A file with the certificate of an ACME server's own authority, where the host does not trust it.
    public var acmeAuthority: String?

    /// A Debian host's.
    public init() {}

    /// Reads the settings.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys, _ usual: String) throws -> String {
            try values.decodeIfPresent(String.self, forKey: key) ?? usual
        }
        home = try text(.home, home)
        user = try text(.user, user)
        nginx = try text(.nginx, nginx)
        pid = try text(.pid, pid)
        worker = try text(.worker, worker)
        systemd = try values.decodeIfPresent(Bool.self, forKey: .systemd) ?? systemd
        state = try text(.state, state)
        logs = try text(.logs, logs)
        addresses = try values.decodeIfPresent([String].self, forKey: .addresses)
        httpPort = try values.decodeIfPresent(Int.self, forKey: .httpPort) ?? httpPort
        httpsPort = try values.decodeIfPresent(Int.self, forKey: .httpsPort) ?? httpsPort
        letsencrypt = try text(.letsencrypt, letsencrypt)
        acmeAuthority = try values.decodeIfPresent(String.self, forKey: .acmeAuthority)
    }

    /// The settings of a host.
    ///
    /// - Parameter path: a file other than root's; it must be there.
    /// - Throws: `damaged` where another than root, or this process's user, could have written root's file.
    public static func load(from path: FilePath? = nil) throws(StoreError) -> RootSettings {
        if let path { return try JSONFile.require(Self.self, from: path) }
        guard let status = file.status() else { return RootSettings() }
        guard status.st_uid == 0, status.st_mode & 0o022 == 0 else {
            throw .damaged(path: file, problem: "must belong to root, and no one else may write to it")
        }
        return try JSONFile.require(Self.self, from: file)
    }

    /// Writes the settings, whole or not at all.
    public func save(to path: FilePath) throws(StoreError) { try JSONFile.write(self, to: path) }
}

extension RootSettings {
    /// What nginx serves for an app: `SiteValues` as they were applied. Gone while that changes.
    public func record(of app: String) -> FilePath { FilePath(state).appending("sites").appending("\(app).json") }
    /// The file with what all sites share; Debian's `nginx.conf` reads every `*.conf` there.
    public var sharedFile: FilePath { FilePath(nginx).appending("conf.d").appending("pmo-release.conf") }
    /// The directory of the apps' files, which that one includes.
    public var sitesDirectory: FilePath { FilePath(nginx).appending("pmo-release") }
    /// What nginx reads of an app.
    public func siteFile(of app: String) -> FilePath { sitesDirectory.appending("\(app).conf") }
    /// The logs of an app.
    public func logs(of app: String) -> FilePath { FilePath(logs).appending(app) }
}

extension SiteValues {
    /// What a file of root's own says of a site; nil where there is none. It may have another form than ours, since an
    /// older version has written it.
    public static func load(from path: FilePath) throws(StoreError) -> SiteValues? {
        try JSONFile.read(Self.self, from: path)
    }

    /// Writes the values, whole or not at all.
    public func save(to path: FilePath) throws(StoreError) { try DurableFile.write(bytes, to: path) }
}
