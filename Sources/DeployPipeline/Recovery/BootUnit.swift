import HostControl
public import ReleaseStore
import SiteTemplates
import SystemPackage

/// The unit by which systemd has every app of a home brought to an end at boot (F14). Where runit keeps the services,
/// the next command does it.
public struct BootUnit: Sendable {
    let host: HostLayout

    /// The unit of a home.
    public init(_ host: HostLayout) { self.host = host }

    /// `pmo-release-resume.service`, with the home behind `resume` where it is another than `/srv/pmo`.
    public var name: String {
        guard host.home != "/srv/pmo" else { return "pmo-release-resume.service" }
        let plain = host.home.string.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return "pmo-release-resume\(String(plain)).service"
    }

    /// The unit's text.
    public func text(isUser: Bool) throws -> String {
        try SiteTemplates.bootUnit(
            program: host.bin.appending("pmo-release").string, home: host.home.string, isUser: isUser)
    }

    /// Writes and enables it.
    public func install() async throws {
        let isUser = !ProcessOwner.isRoot
        let systemd = SystemdSupervisor(runner: ProcessRunner(), isUser: isUser) { _, _ in "" }
        try await systemd.install(bootUnit: try text(isUser: isUser), named: name)
    }
}
