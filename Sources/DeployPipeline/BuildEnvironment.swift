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
        var result = own(plan, deploy, app)
        result["HOME"] = app.cache.appending("home").string
        result["TMPDIR"] = "/tmp"
        result["LANG"] = "C.UTF-8"
        let local = [".venv/bin", "node_modules/.bin"].map { app.release(plan.release).root.appending($0).string }
        result["PATH"] = (local + [path]).joined(separator: ":")
        for (key, value) in plan.environment { result[key.text] = value }
        return result
    }
}
