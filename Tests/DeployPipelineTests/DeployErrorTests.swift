import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

@testable import DeployPipeline
@testable import GitRepository

@Suite("What a deploy says of its errors, and gives to its steps")
struct DeployErrorTests {
    static let hostile = "evil\u{1b}[2J\nsecond line"

    static func all() throws -> [DeployError] {
        let app = try AppName("pmo")
        let path = try ReleasePath("apps/web")
        let service = try ServiceName("api")
        let commit = try CommitID(String(repeating: "a", count: 40))
        var failure = HealthFailure(service: service, instance: 0, problem: "answered 500")
        failure.request = "GET /health"
        return [
            .noSuchApp(hostile), .missingEnvironment(app: app, keys: ["A"]),
            .missingEnvironment(app: app, keys: ["A", "B"]),
            .buildFailed(step: hostile, status: "status 1"), .timedOut(what: hostile, limit: "15m"),
            .migrationFailed(command: hostile, status: "signal 9"), .unhealthy(failure),
            .otherApp(manifest: try AppName("other"), app: app),
            .otherBranch(manifest: try BranchName("dev"), branch: try BranchName("main"), app: app),
            .noSuchEnvironment("stagin", known: ["staging"], app: app),
            .domainTaken(try Domain("app.example.org")),
            .noRoom(what: "disk space", path: "/srv/pmo", needed: "1.0 GB", left: "3 B", app: app), .nothingLive(app),
            .noRollback(app),
            .pruned(commit: commit, app: app), .noSuchService(hostile, known: [], app: app),
            .noSuchService("x", known: ["api", "web"], app: app),
            .noFreeSlot(service, app: app), .missingTemplate(target: path, template: path),
            .missingDirectory(what: "the site's root", path: path), .servedLink(path: hostile, target: hostile),
            .busy(app: app, holder: "deploy 7"),
            .frozen(app: app, DeployFreeze(who: hostile, why: hostile, since: 0), forcible: true),
            .superseded(by: "deploy 8"), .shared(path: path, problem: "is not empty"),
            .unsealable(problem: hostile), .foundBad(ReleaseID(commit: commit), app, reason: hostile),
        ]
    }

    /// The name of every case, so that one without an example fails here.
    static func name(_ error: DeployError) -> String {
        switch error {
        case .noSuchApp: "noSuchApp"
        case .missingEnvironment: "missingEnvironment"
        case .buildFailed: "buildFailed"
        case .timedOut: "timedOut"
        case .migrationFailed: "migrationFailed"
        case .unhealthy: "unhealthy"
        case .otherApp: "otherApp"
        case .otherBranch: "otherBranch"
        case .noSuchEnvironment: "noSuchEnvironment"
        case .domainTaken: "domainTaken"
        case .noRoom: "noRoom"
        case .nothingLive: "nothingLive"
        case .noRollback: "noRollback"
        case .pruned: "pruned"
        case .noSuchService: "noSuchService"
        case .noFreeSlot: "noFreeSlot"
        case .missingTemplate: "missingTemplate"
        case .missingDirectory: "missingDirectory"
        case .servedLink: "servedLink"
        case .busy: "busy"
        case .frozen: "frozen"
        case .superseded: "superseded"
        case .shared: "shared"
        case .unsealable: "unsealable"
        case .foundBad: "foundBad"
        }
    }

    @Test("Each case is one sentence in one line, lower case, without a full stop, and so is its hint")
    func sentences() throws {
        let errors = try Self.all()
        #expect(Set(errors.map(Self.name)).count == 25)
        for error in errors {
            for text in [error.description, error.hint].compactMap({ $0 }) {
                #expect(!text.isEmpty)
                #expect(!text.contains { $0.isNewline || $0 == "\u{1b}" }, "\(Self.name(error))")
                #expect(text.first?.isUppercase == false, "\(text)")
                #expect(!text.hasSuffix(".") && !text.hasSuffix(" "), "\(text)")
                #expect(text.count < 250, "\(text)")
            }
        }
    }

    @Test("A failed health check says what was asked and what happened")
    func healthFailure() throws {
        var failure = HealthFailure(service: try ServiceName("api"), instance: 1, problem: "ended 3 times")
        #expect("\(failure)" == "api ended 3 times")
        failure.request = "GET /health"
        failure.problem = "answered 500 (for 30s)"
        #expect("\(DeployError.unhealthy(failure))" == "health check failed: GET /health answered 500 (for 30s)")
    }

    @Test("What was tried has failed, what was not is refused")
    func outcomes() throws {
        let failed: Set = [
            "buildFailed", "timedOut", "migrationFailed", "unhealthy", "noFreeSlot", "missingDirectory", "servedLink",
        ]
        for error in try Self.all() {
            #expect(error.outcome == (failed.contains(Self.name(error)) ? .failed : .refused), "\(Self.name(error))")
        }
    }

    @Test("An error of somebody else's is told in one line too")
    func reason() throws {
        struct Foreign: Error, CustomStringConvertible { var description: String { "of somebody else" } }
        #expect(Reason(Foreign()).sentence == "of somebody else")
        #expect(Reason(Foreign()).hint == nil)
        let own = Reason(DeployError.nothingLive(try AppName("pmo")))
        #expect(own.sentence == "nothing is live in pmo")
        #expect(own.hint == "git push production")
    }

    @Test("A build's environment is the app's values and what the product adds, and nothing else")
    func environment() throws {
        let commit = try CommitID(String(repeating: "a", count: 40))
        func values(_ describe: String?, _ environment: [EnvironmentKey: String]) throws -> [String: String] {
            let plan = DeployPlan(
                release: ReleaseID(commit: commit, build: 2), manifest: Manifest(origin: .file),
                commit: CommitSummary(id: commit, tree: commit.text, subject: "s", author: "a", email: "e", time: 0),
                describe: describe,
                tree: InspectedTree(
                    summary: TreeSummary(), counted: 0, root: ObjectID(), hollow: [], large: [], submodules: []),
                environment: environment)
            let deploy = Deploy(
                kind: .push, commit: commit, subject: "s", author: "a", branch: "main", who: "w", created: 0)
            return BuildEnvironment.values(plan, deploy, HostLayout(home: "/srv/pmo").app(try AppName("web")))
        }
        let release = "/srv/pmo/web/releases/\(commit).2"
        let own = try values(nil, [:])
        #expect(
            own == [
                "PMO_APP": "web", "PMO_COMMIT": commit.text, "PMO_BRANCH": "main", "PMO_RELEASE": release,
                "PMO_DESCRIBE": "aaaaaaa", "HOME": "/srv/pmo/web/cache/home", "TMPDIR": "/tmp", "LANG": "C.UTF-8",
                "PATH": "\(release)/.venv/bin:\(release)/node_modules/.bin:\(BuildEnvironment.path)",
            ])
        #expect(Set(own.keys.filter { $0.hasPrefix("PMO_") }) == BuildEnvironment.ownKeys)
        let more = try values(
            "v1.2-3-gaaaaaaa", [EnvironmentKey("DATABASE_URL"): "x\ny", EnvironmentKey("LANG"): "de"])
        #expect(more["PMO_DESCRIBE"] == "v1.2-3-gaaaaaaa")
        #expect(more["DATABASE_URL"] == "x\ny")
        #expect(more["LANG"] == "de")
        #expect(more.count == own.count + 1)
    }
}
