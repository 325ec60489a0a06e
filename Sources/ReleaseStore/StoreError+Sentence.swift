import ReleaseModel
import SystemPackage

extension StoreError {
    /// The error in one line, every text of others escaped.
    public var description: String {
        switch self {
        case .system(let action, let path, let code):
            "cannot \(action) \(path.shown): \(Errno(rawValue: code).description.loweringFirst)"
        case .damaged(let path, let problem): "\(path.shown) \(problem)"
        case .oddLink(let path, let fault, _): "\(path.shown) \(fault.sentence)"
        case .unknownApp(let app, let known):
            "there is no app “\(app)”" + (known.isEmpty ? "" : ", only \(known.map(\.text).joined(separator: ", "))")
        case .unknownRelease, .ambiguousRelease, .missingRelease, .releaseExists, .releaseInUse: releaseSentence
        case .noFreePorts(let service, let needed, let range):
            "\(service) needs \(needed) free ports of \(range.lowerBound)–\(range.upperBound), and too few are left"
        case .socketPathTooLong(let path, let limit):
            "the socket’s path \(path.shown) has \(path.length) bytes, \(limit) is the most"
        case .environmentValue(_, let key, let problem): "\(key) \(problem)"
        case .locked(let path): "\(path.shown) is held by another process"
        case .ledger(let path, let code, let message):
            "the ledger \(path.shown) cannot be used: \(message.shown(limit: 200)) (SQLite \(code))"
        case .newerHome(let path, let layout):
            "\(path.shown) has the layout \(layout) of a newer version of pmo-release; this one knows \(HostLayout.version)"
        case .newerLedger(let path): "the ledger \(path.shown) was written by a newer version of pmo-release"
        case .unknownDeploy(let app, let number): "\(app) has no deploy \(number)"
        case .stepOutput(let path, let fault): "the output \(path.shown(limit: 200)) \(fault.sentence)"
        }
    }

    private var releaseSentence: String {
        switch self {
        case .unknownRelease(let app, let prefix, let candidates):
            candidates.isEmpty
                ? "\(app) has no release yet"
                : "\(app) has no release “\(prefix.shown(limit: 50))”, only \(Self.listed(candidates, digits: 7))"
        case .ambiguousRelease(_, let prefix, let candidates):
            "“\(prefix.shown(limit: 50))” is ambiguous: \(Self.listed(candidates, digits: prefix.utf8.count + 4))"
        case .missingRelease(let app, let id): "\(app) has no complete release \(id.short)"
        case .releaseExists(let app, let id): "\(app) has a release \(id.short) already"
        case .releaseInUse(let app, let id, let user): "release \(id.short) of \(app) is in use by \(user)"
        default: ""
        }
    }

    /// Up to five releases with enough digits to tell them apart.
    private static func listed(_ releases: [ReleaseID], digits: Int) -> String {
        let shown = releases.prefix(5).map { id in
            id.commit.text.prefix(max(7, digits)) + (id.build == 1 ? "" : ".\(id.build)")
        }
        return shown.joined(separator: ", ") + (releases.count > 5 ? " and \(releases.count - 5) more" : "")
    }
}

extension LinkFault {
    var sentence: String {
        switch self {
        case .notALink(let isDirectory): "is a \(isDirectory ? "directory" : "file") where a link should be"
        case .dangling(let target): "points at \(target.shown(limit: 200)), which is not there"
        case .looped: "leads back to itself"
        case .elsewhere(let target): "points at \(target.shown(limit: 200)), which is no release of this app"
        case .incomplete(let target): "points at \(target.shown(limit: 200)), which is not a complete release"
        }
    }
}

extension OutputFault {
    var sentence: String {
        switch self {
        case .missing: "was not made by its step"
        case .untouched: "stands in the tree already, and its step did not write to it"
        case .behindLink: "lies behind a link"
        case .leadsOut(let target): "is a link to \(target.shown(limit: 200)), which leads out of the release"
        case .startsInBuild: "begins with the path of the build, where nothing is once it is live"
        case .special: "is neither file, directory nor link"
        case .tooDeep: "lies too deep"
        case .oddName: "has a name that cannot be noted; name the directory that it is in"
        }
    }
}

extension FilePath {
    /// The path as a person may see it.
    var shown: String { string.shown(limit: 400) }
}

extension String {
    fileprivate var loweringFirst: String {
        // `EPERM`-like words stay as they are.
        guard let second = dropFirst().first, second.isLowercase else { return self }
        return prefix(1).lowercased() + dropFirst()
    }
}
