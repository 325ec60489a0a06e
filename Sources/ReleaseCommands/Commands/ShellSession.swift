import DeployPipeline
import ReleaseModel
import ReleaseStore

/// What the key that is at work over ssh may do.
struct ShellSession {
    let key: KeyName
    private let host: HostLayout
    /// What `key add` said of it.
    private let access: AccessKey

    /// - Throws: for a key whose rights are not to be found, or whose time is over.
    init(key: KeyName, host: HostLayout, now: Double = currentTime()) throws {
        // A line in `authorized_keys` alone says nothing of what its key may do.
        guard let known = try KeyStore(host).keys().first(where: { $0.name == key }) else {
            throw ShellError.unknownKey(key)
        }
        if known.isExpired(at: now) { throw ShellError.expired(key) }
        self.key = key
        self.host = host
        access = known
    }

    /// The apps that its commands see, for `Caller.apps`; nil for all.
    var apps: String? {
        access.apps.isEmpty ? nil : access.apps.map(\.text).joined(separator: ",")
    }

    /// Whether it may ask for this.
    func check(_ request: ShellRequest) throws {
        switch request {
        case .push: try require(.push)
        case .fetch: try require(.push, or: .read)
        case .command(let words):
            if let right = words.first.flatMap({ ShellRequest.verbs[$0] }) { try require(right) }
        }
    }

    /// An app; one of others is told like one that is not there (A36).
    func layout(_ app: AppName) throws -> AppLayout {
        let layout = host.app(app)
        guard layout.exists, access.isFor(app) else { throw DeployError.noSuchApp(app.text) }
        return layout
    }

    private func require(_ right: KeyRight, or other: KeyRight? = nil) throws {
        guard access.can.contains(right) || other.map(access.can.contains) == true else {
            throw ShellError.notAllowed(key, right)
        }
    }
}

/// Why nothing is done for a key.
enum ShellError: HintedError, Equatable {
    /// It asked for something else than pushes and our own commands.
    case refused
    /// It may not do that.
    case notAllowed(KeyName, KeyRight)
    /// It asked for what tells of all apps.
    case tellsOfAll
    /// Nothing says what it may do: it was removed, or another hand has written its line.
    case unknownKey(KeyName)
    /// Its time is over.
    case expired(KeyName)

    var description: String {
        switch self {
        case .refused: "over ssh there are git push and \(ShellRequest.verbs.keys.sorted().joined(separator: ", "))"
        case .notAllowed(let key, let right): "the key \(key) may not \(right.rawValue)"
        case .tellsOfAll: "this key is for some apps, and that tells of all"
        case .unknownKey(let key): "there is no key \(key)"
        case .expired(let key): "the time of the key \(key) is over"
        }
    }
    var hint: String? {
        switch self {
        case .refused: "for the rest, on the host: sudo pmo-release …"
        case .tellsOfAll: "an administrator of the host can ask for it"
        case .notAllowed(let key, let right):
            "an administrator of the host gives it the right: pmo-release key remove \(key), then key add \(key) --can \(right.rawValue),…"
        case .unknownKey(let key), .expired(let key):
            "an administrator of the host adds it again: pmo-release key add \(key) < key.pub"
        }
    }
    var outcome: ErrorOutcome { .refused }
}
