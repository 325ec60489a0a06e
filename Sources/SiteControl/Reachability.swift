import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Whether domains lead to this host, seen as a certificate authority sees it: by asking for a file under their names.
struct Reachability {
    private let control: SiteControl

    init(_ control: SiteControl) { self.control = control }

    /// Asks each domain.
    ///
    /// - Throws: `SiteControlError.noAddress`, or `leadsElsewhere` with where it leads.
    func check(_ domains: [Domain]) async throws {
        let secret = (0..<4).map { _ in String(UInt32.random(in: .min ... .max), radix: 16) }.joined()
        let directory = control.challenges.appending(".well-known").appending("acme-challenge")
        try directory.makeDirectories()
        let file = directory.appending("pmo-\(secret)")
        try DurableFile.write(Array(secret.utf8), to: file)
        defer { unlink(file.string) }
        for domain in domains {
            let answer = try await control.runner.run(
                Command(
                    executable: "curl",
                    arguments: [
                        "-q", "-sS", "--noproxy", "*", "--proto", "=http", "--max-time", "10", "--",
                        "http://\(domain):\(control.settings.httpPort)/.well-known/acme-challenge/pmo-\(secret)",
                    ]), within: .seconds(15), outputLimit: 1 << 12)
            if answer.text == secret { continue }
            let found = try await addresses(of: domain)
            throw found.isEmpty
                ? SiteControlError.noAddress(domain) : SiteControlError.leadsElsewhere(domain, found)
        }
    }

    private func addresses(of domain: Domain) async throws -> [String] {
        let result = try await control.runner.run(
            Command(executable: "getent", arguments: ["ahosts", domain.text]), within: .seconds(15))
        var found: [String] = []
        for line in result.text.split(separator: "\n") {
            if let address = line.split(separator: " ").first.map(String.init), !found.contains(address) {
                found.append(address)
            }
        }
        return found
    }
}
