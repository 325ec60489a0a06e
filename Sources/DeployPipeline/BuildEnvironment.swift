import GitRepository
import ReleaseModel
import ReleaseStore
import SystemPackage

/// The environment of build steps and of the migration: the app's values and what the product adds; nothing is
/// inherited.
enum BuildEnvironment {
    /// Where programs are looked for.
    static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Keys that are always set, and so may be used in templates.
    static let ownKeys: Set<String> = ["PMO_APP", "PMO_COMMIT", "PMO_BRANCH", "PMO_RELEASE", "PMO_DESCRIBE"]

    static func own(_ plan: DeployPlan, _ deploy: Deploy, _ app: AppLayout) -> [String: String] {
        [
            "PMO_APP": app.name.text,
            "PMO_COMMIT": plan.release.commit.text,
            "PMO_BRANCH": deploy.branch,
            "PMO_RELEASE": app.release(plan.release).root.string,
            "PMO_DESCRIBE": plan.describe ?? plan.release.commit.short,
        ]
    }

    static func values(_ plan: DeployPlan, _ deploy: Deploy, _ app: AppLayout) -> [String: String] {
        var result = base(app, release: app.release(plan.release).root)
        result.merge(own(plan, deploy, app)) { $1 }
        for (key, value) in plan.environment { result[key.text] = value }
        return result
    }

    /// The environment of a step whose outputs are kept: of the app's values and of what is another in each release
    /// only what it declares, since the rest does not decide whether its outputs are reused.
    ///
    /// - Parameter place: where the step finds the release.
    static func reused(
        _ reuse: StepReuse, _ plan: DeployPlan, _ deploy: Deploy, _ app: AppLayout, at place: FilePath
    ) -> [String: String] {
        var result = base(app, release: place)
        let own = own(plan, deploy, app)
        result["PMO_APP"] = own["PMO_APP"]
        for key in reuse.environment { result[key.text] = plan.environment[key] ?? own[key.text] ?? result[key.text] }
        return result
    }

    private static func base(_ app: AppLayout, release: FilePath) -> [String: String] {
        let local = [".venv/bin", "node_modules/.bin"].map { release.appending($0).string }
        return [
            "HOME": app.cache.appending("home").string, "TMPDIR": "/tmp", "LANG": "C.UTF-8",
            "PATH": (local + [path]).joined(separator: ":"),
        ]
    }
}
