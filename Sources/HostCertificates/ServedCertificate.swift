public import HostControl
public import ReleaseModel

/// The certificate that a server really shows, seen by a TLS handshake of openssl; whether it is trusted does not matter.
public struct ServedCertificate: Sendable {
    private let runner: any CommandRunner

    /// Looks through a runner.
    public init(runner: any CommandRunner) { self.runner = runner }

    /// Asks a server for the certificate that it has for a name.
    ///
    /// - Throws: `HostError.program` where there is no handshake.
    public func of(_ domain: Domain, address: String, port: Int) async throws -> HostCertificate {
        let place = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
        let command = Command(
            executable: try HostPrograms.find("openssl"),
            arguments: ["s_client", "-connect", place, "-servername", domain.text, "-showcerts"], input: [])
        let result = try await runner.run(command, within: .seconds(10))
        guard let start = result.text.range(of: "-----BEGIN CERTIFICATE-----"),
            let end = result.text.range(of: "-----END CERTIFICATE-----"), start.lowerBound < end.lowerBound
        else {
            let reason = result.problem.split(separator: ";").first.map(String.init) ?? "no certificate was shown"
            throw HostError.program(name: "openssl s_client", problem: "\(place): \(reason)")
        }
        return try HostCertificate(pem: String(result.text[start.lowerBound..<end.upperBound]) + "\n")
    }
}

extension String {
    /// Where a text begins first.
    fileprivate func range(of text: String) -> Range<Index>? { ranges(of: text).first }
}
