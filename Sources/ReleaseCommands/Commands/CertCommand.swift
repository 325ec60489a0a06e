import ArgumentParser
import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

struct CertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert", abstract: "See to the certificates of an app's domains.",
        subcommands: [CertStatus.self, CertIssue.self, CertRenew.self, CertInstall.self])
}

private struct CertStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the certificates that nginx really serves.",
        discussion: "Exit status 1 where one has expired, or does not cover its domain.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let layout = try home.app(app)
        let host = try CertHost(layout)
        let rows = try await host.helper.certificates(of: layout.name)
        if json { try Output.json(rows) } else { show(rows, layout.name) }
        guard rows.allSatisfy(\.isWell) else { throw ExitCode(1) }
    }

    private func show(_ rows: [CertificateState], _ app: AppName) {
        Output.table(
            ["DOMAIN", "ISSUER", "EXPIRES", "DAYS LEFT", "STATE"],
            rows.map { row in
                [
                    row.domain.text, row.issuer.shown(limit: 40), Moment.shown(row.expires), "\(row.daysLeft)",
                    row.state.rawValue,
                ]
            })
        for row in rows {
            switch row.state {
            case .expired, .placeholder:
                Output.progress(
                    "pmo-release: warning: \(row.domain): \(row.state.rawValue); \(row.repair(for: app))")
            case .otherNames:
                let names = row.names.joined(separator: ", ").shown(limit: 200)
                Output.progress("pmo-release: warning: \(row.domain): the certificate is for \(names)")
            case .ends:
                Output.progress(
                    "pmo-release: warning: \(row.domain): \(row.daysLeft) days left; \(row.repair(for: app))")
            case .holds: break
            }
        }
    }
}

private struct CertIssue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue", abstract: "Get a certificate for all domains of an app, by certbot, and keep it renewed.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Option(name: .customLong("acme-url"), help: "Another authority's directory (default: Let's Encrypt's).")
    var server: String?
    @Option(name: .customLong("email"), help: "Where the authority writes to.") var mail: String?
    @Flag(name: .customLong("skip-dns"), help: "Ask without a look at where the domains lead.") var skipsDNS = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let request = CertificateRequest(
            server: try server.map { value throws(InvalidValue) in try AcmeDirectory(value) },
            mail: try mail.map { value throws(InvalidValue) in try MailAddress(value) }, skipsDNS: skipsDNS)
        let host = try CertHost(home.app(app))
        try await host.run("issue", request.arguments, within: .seconds(420))
    }
}

private struct CertRenew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Renew the certificate now; certbot's timer does it by itself in time.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @OptionGroup var home: HomeOptions

    func run() async throws { try await CertHost(home.app(app)).run("renew", [], within: .seconds(420)) }
}

private struct CertInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Serve a certificate of your own.")

    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Option(help: "The certificate and those that vouch for it, in PEM.") var certificate: String
    @Option(help: "Its private key, in PEM, without a passphrase.") var key: String
    @Option(help: "For this domain alone.") var domain: String?
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let domain = try domain.map { value throws(InvalidValue) in try Domain(value) }
        let pem = try [key, certificate].map { name in
            String(decoding: try CallerFiles.read(name, limit: 128 << 10), as: UTF8.self)
        }.joined(separator: "\n")
        try await CertHost(home.app(app)).run(
            "install", domain.map { [$0.text] } ?? [], input: Array(pem.utf8), within: .seconds(120))
    }
}

/// An app whose certificates are the root helper's.
private struct CertHost {
    let layout: AppLayout
    let host: HostSettings

    init(_ layout: AppLayout) throws {
        self.layout = layout
        host = try HostSettings.load(from: layout.host.settings)
        guard host.hasHostNginx else { throw CertError.ownNginx }
    }

    var helper: RootHelper { HostNginx.helper(host, runner: ProcessRunner()) }

    func run(_ verb: String, _ arguments: [String], input: [UInt8]? = nil, within limit: Duration) async throws {
        let answer = try await helper.run(
            ["cert", verb, layout.name.text] + arguments, input: input, within: limit)
        Caller.record("cert", verb, of: layout)
        for notice in answer.notices { Output.progress(notice) }
    }
}

/// Why an app has no certificates to see to.
private enum CertError: HintedError {
    case ownNginx

    var description: String {
        switch self {
        case .ownNginx: "this home has an nginx of its own, without TLS"
        }
    }
    var hint: String? {
        switch self {
        case .ownNginx: "pmo-release create --nginx host, in the home of an installed package"
        }
    }
    var outcome: ErrorOutcome { .refused }
}
