public import ReleaseModel

/// Why root does not do what was asked.
public enum SiteControlError: HintedError, Equatable {
    /// The arguments are none of the helper's verbs.
    case usage
    /// Another user than root and the apps' has asked.
    case notYours
    /// The apps' user is not there.
    case noUser(String)
    /// A domain that another app's site has.
    case domainTaken(Domain, by: AppName)
    /// A port that another app's service has.
    case portTaken(Int, by: AppName)
    /// A domain that a site of the host has which is no app's.
    case domainElsewhere(String, file: String?)
    /// The app has no site to give a certificate to.
    case noSite(AppName)
    /// nginx's configuration leaves out the file with what is ours.
    case notIncluded(String)
    /// nginx does not run, so that no certificate is to be seen.
    case nothingServed
    /// A domain that is none of the app's.
    case notItsDomain(Domain, of: AppName)
    /// certbot has no certificate of the app's.
    case notIssued(AppName)
    /// A domain that has no address.
    case noAddress(Domain)
    /// A domain whose addresses do not lead here.
    case leadsElsewhere(Domain, [String])

    /// One sentence, lower case.
    public var description: String {
        switch self {
        case .usage: "takes one of its verbs"
        case .notYours: "only root and the apps' user may ask for that"
        case .noUser(let name): "there is no user “\(name.shown(limit: 40))”, whose the apps are"
        // Whose it is, a pusher of this app alone need not know (A36).
        case .domainTaken(let domain, _): "the domain \(domain) is another app's"
        case .portTaken(let port, _): "the port \(port) is another app's"
        case .domainElsewhere(let domain, let file):
            "the domain \(domain.shown(limit: 260)) is served by another site of the host"
                + (file.map { ", \($0.shown(limit: 200))" } ?? "")
        case .noSite(let app): "\(app) has no site that nginx serves"
        case .notIncluded(let file): "nginx does not read \(file): nothing includes it"
        case .nothingServed: "nginx does not run: it shows no certificate"
        case .notItsDomain(let domain, let app): "\(domain) is none of \(app)'s domains"
        case .notIssued(let app): "certbot has no certificate of \(app)'s"
        case .noAddress(let domain): "\(domain) has no address: nobody can reach it"
        case .leadsElsewhere(let domain, let addresses):
            "\(domain) leads to \(addresses.joined(separator: ", ")), where this host does not answer"
        }
    }

    /// What helps.
    public var hint: String? {
        switch self {
        case .usage: "pmo-release-root site apply|remove|test|render <app>"
        case .notYours: "sudo pmo-release-root …"
        case .noUser: "name the user in /etc/pmo-release/root.json"
        case .domainTaken: "use another domain, or take it out of that app's manifest first: pmo-release apps"
        case .portTaken: "remove the files ports below the app's slots, and push again"
        case .domainElsewhere(_, let file): file.map { "take it out of \($0.shown(limit: 200))" }
        case .notIncluded(let file): "include \(file); within the braces of http in nginx.conf"
        case .nothingServed: "systemctl start nginx"
        case .notItsDomain(_, let app): "pmo-release cert status \(app)"
        case .notIssued(let app): "pmo-release cert issue \(app)"
        case .noAddress, .leadsElsewhere: "correct the DNS record and wait for it, or add --skip-dns"
        case .noSite(let app): "push a commit of \(app) whose manifest has a site"
        }
    }

    /// A refusal: nothing was changed.
    public var outcome: ErrorOutcome {
        switch self {
        case .usage: .usage
        case .nothingServed: .failed
        default: .refused
        }
    }
}
