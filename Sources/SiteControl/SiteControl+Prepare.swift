import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

extension SiteControl {
    /// The name under which the placeholder for unknown hosts is kept; no domain ends in a dot.
    static let nobody = "nobody."

    private var state: FilePath { FilePath(settings.state) }
    /// A directory for each domain with `pair.pem`, its key and its certificates, and `own` where they are the
    /// operator's.
    var certificates: FilePath { state.appending("certificates") }
    /// What certificate authorities ask for.
    var challenges: FilePath { state.appending("challenges") }

    func prepareDirectories() throws {
        let modes: [(FilePath, CInterop.Mode)] = [
            (state, 0o755), (state.appending("sites"), 0o755), (state.appending("undo"), 0o700),
            (state.appending("stages"), 0o700), (certificates, 0o700), (challenges, 0o755),
            (FilePath(settings.logs), 0o755), (sitesDirectory, 0o755), (sharedFile.removingLastComponent(), 0o755),
        ]
        for (path, mode) in modes { try path.makeDirectories(mode: mode) }
        try ensureCertificates([])
    }

    /// The logs of an app: nginx's master and workers open them, the apps' user reads them, nobody else does either.
    func prepareLogs(_ app: AppName) throws {
        let directory = settings.logs(of: app.text)
        try directory.makeDirectories(mode: 0o751)
        let group = getpwnam(settings.user)?.pointee.pw_gid ?? 0
        let worker = getpwnam(settings.worker)?.pointee.pw_uid ?? 0
        guard geteuid() == 0 else { return try makeLogs(directory) { _ in } }
        try change(directory, chown(directory.string, 0, group))
        try makeLogs(directory) { file in try change(file, lchown(file.string, worker, group)) }
    }

    private func makeLogs(_ directory: FilePath, _ give: (FilePath) throws -> Void) throws {
        for name in ["access.log", "error.log"] {
            let file = directory.appending(name)
            let descriptor = open(file.string, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o640)
            if descriptor < 0, errno == EEXIST { continue }
            try change(file, descriptor)
            close(descriptor)
            try give(file)
        }
    }

    private func change(_ path: FilePath, _ result: Int32) throws {
        guard result >= 0 else { throw StoreError.system(action: "prepare", path: path, code: errno) }
    }

    /// Debian's example page would answer in the place of unknown hosts; where it is as it came, it is turned off.
    func turnOffExample() throws -> [String] {
        let link = FilePath(settings.nginx).appending("sites-enabled").appending("default")
        let page = FilePath(settings.nginx).appending("sites-available").appending("default")
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(link.string, $0, bytes.count) } ?? -1
        }
        guard count > 0, String(decoding: buffer[..<count], as: UTF8.self) == page.string,
            let text = ProcessText.of(page), Self.isExample(text)
        else { return [] }
        try DurableFile.write([], to: state.appending("example-was-on"))
        try DurableFile.remove(link)
        return ["turned off nginx's example page, \(link)"]
    }

    func turnOnExample() throws {
        let mark = state.appending("example-was-on")
        guard try DurableFile.read(mark) != nil else { return }
        let link = FilePath(settings.nginx).appending("sites-enabled").appending("default")
        let page = FilePath(settings.nginx).appending("sites-available").appending("default")
        if access(page.string, F_OK) == 0, access(link.string, F_OK) != 0 {
            try DurableFile.link(at: link, to: page.string)
        }
        try DurableFile.remove(mark)
    }

    /// Debian's file has one server, for all names, with the directory and the pages of the package.
    private static func isExample(_ text: String) -> Bool {
        let words = NginxWords(text).directives
        return words == [
            ["server"], ["listen", "80", "default_server"], ["listen", "[::]:80", "default_server"],
            ["root", "/var/www/html"], ["index", "index.html", "index.htm", "index.nginx-debian.html"],
            ["server_name", "_"], ["location", "/"], ["try_files", "$uri", "$uri/", "=404"],
        ]
    }
}
