/// What the releases of an app must be after each operation, in the simplest words there are: a list, two names and a
/// number. The tests compare the disk with it.
struct HostModel: Equatable {
    struct Release: Equatable {
        let name: String
        let deploy: Int
        let text: String
    }

    /// An operation of a person or a push.
    enum Operation: CustomStringConvertible {
        /// A push of a new commit whose page has the text.
        case push(commit: String, text: String)
        /// A push of a commit whose build fails.
        case pushBroken(commit: String)
        /// `deploy` of a commit that the receiver has.
        case deploy(commit: String, text: String)
        case switchTo(name: String)
        case rollback
        case prune(keep: Int)

        var description: String {
            switch self {
            case .push(let commit, let text): "push \(commit.prefix(7)) (\(text))"
            case .pushBroken(let commit): "push \(commit.prefix(7)), broken"
            case .deploy(let commit, let text): "deploy \(commit.prefix(7)) (\(text))"
            case .switchTo(let name): "switch \(name.prefix(7))\(name.dropFirst(40))"
            case .rollback: "rollback"
            case .prune(let keep): "prune --keep \(keep)"
            }
        }
    }

    /// The manifest's `keep`.
    let keep: Int
    private(set) var deploys = 0
    /// The newest first.
    private(set) var releases: [Release] = []
    private(set) var current: String?
    private(set) var previous: String?

    init(keep: Int) { self.keep = keep }

    /// What the page says.
    var text: String? { releases.first { $0.name == current }?.text }

    /// Does it.
    ///
    /// - Returns: whether it works.
    mutating func apply(_ operation: Operation) -> Bool {
        switch operation {
        case .push(let commit, let text), .deploy(let commit, let text):
            deploys += 1
            releases.insert(Release(name: nextName(commit), deploy: deploys, text: text), at: 0)
            point(at: releases[0].name)
            prune(keep)
        case .pushBroken:
            deploys += 1
            return false
        case .switchTo(let name):
            guard releases.contains(where: { $0.name == name }) else { return false }
            point(at: name)
        case .rollback:
            let others = releases.filter { $0.name != current }
            guard let target = others.first(where: { $0.name == previous }) ?? others.first else { return false }
            point(at: target.name)
        case .prune(let keep): prune(keep)
        }
        return true
    }

    private mutating func point(at name: String) {
        guard name != current else { return }
        if let current { previous = current }
        current = name
    }

    private mutating func prune(_ keep: Int) {
        let kept = Set(releases.prefix(keep).map(\.name) + [current, previous].compactMap { $0 })
        releases.removeAll { !kept.contains($0.name) }
    }

    /// A second build of a commit gets a number behind it.
    private func nextName(_ commit: String) -> String {
        let builds = releases.filter { $0.name.hasPrefix(commit) }.map { Int($0.name.dropFirst(41)) ?? 1 }
        return builds.max().map { "\(commit).\($0 + 1)" } ?? commit
    }
}
