import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SiteTemplates
import SystemPackage

/// How the sites stand in the host's nginx, given what others have in it.
struct FrontPlan {
    let front: HostFront
    /// A text that no configuration before had.
    let generation: String
    private let context: HostContext

    /// Looks at the configuration without our part.
    ///
    /// - Throws: `HostError.otherSiteRefused` where nginx would not even take that.
    init(_ control: SiteControl) async throws {
        let verdict = try await control.nginx.test(changing: [control.sharedFile: String?.none], dumping: true)
        guard verdict.isTaken, let words = verdict.words else { throw control.blamed(verdict, for: nil) }
        let settings = control.settings
        let version = try await control.nginx.version()
        front = HostFront(
            addresses: settings.addresses ?? Self.addresses, httpPort: settings.httpPort,
            httpsPort: settings.httpsPort, challenges: control.challenges.string,
            certificates: control.certificates.string,
            hasHTTP2Directive: !version.lexicographicallyPrecedes([1, 25, 1]))
        generation = control.generation()
        let taken = words.defaultPorts
        context = HostContext(
            front: front, sitesDirectory: control.sitesDirectory.string, generation: generation,
            isDefault: (!taken.contains(settings.httpPort), !taken.contains(settings.httpsPort)),
            untuned: Set(HostContext.Tuning.allCases.filter { !words.has($0.rawValue) }),
            certificate: control.certificates.appending(SiteControl.nobody).appending("pair.pem").string)
    }

    /// The shared file's text.
    func text() throws -> String { try SiteTemplates.host(context) }

    /// All that the host has: IPv6 too where the kernel knows it.
    private static var addresses: [String] {
        access("/proc/net/if_inet6", F_OK) == 0 ? ["0.0.0.0", "::"] : ["0.0.0.0"]
    }
}
