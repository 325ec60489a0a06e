import FailPoints
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Starts and runs the process that stops warm releases when their time is over. One an app at most; it sleeps until
/// the next is due and ends when none is left. Killed, its work is done by the next deploy or switch.
public enum Retirer {
    /// Runs until nothing is warm any more.
    public static func run(_ host: AppHost) async throws {
        guard let only = try FileLock.tryAcquire(host.layout.root.appending("retire.lock")) else { return }
        defer { only.release() }
        while let due = nextDue(host) {
            let wait = due - currentTime()
            if wait > 0 {
                try await Task.sleep(for: .seconds(min(wait, 30)))
                continue
            }
            guard let lock = try AppLock.acquire(host.layout, wait: .seconds(60), holding: "retire") else { continue }
            defer { lock.release() }
            try await Retirement(host).retireExpired()
        }
    }

    /// Starts the process, where something is warm and none runs.
    ///
    /// - Parameter executable: the product's own binary.
    public static func spawn(_ host: AppHost, executable: String) throws {
        guard nextDue(host) != nil,
            let free = try FileLock.tryAcquire(host.layout.root.appending("retire.lock"))
        else { return }
        free.release()
        _ = try DetachedProcess.spawn(
            executable: executable,
            arguments: ["retire", host.layout.name.text, "--home", host.layout.host.home.string],
            environment: ["PATH": BuildEnvironment.path].merging(FailPoints.environment(for: "retire.")) { $1 },
            log: host.layout.logs.appending("retire.log"))
    }

    private static func nextDue(_ host: AppHost) -> Double? {
        let latest = currentTime() + max(host.settings.warm.seconds, AppSettings.restartDrain)
        // What a wrong clock has told is due at once, to be told anew.
        return host.slots.occupied().compactMap { host.slots.warmUntil($0.0, $0.1) }
            .map { isWrong($0, latest) ? 0 : $0 }.min()
    }

    /// Whether a time lies further ahead than any switch sets it; two clocks may be a minute apart.
    static func isWrong(_ until: Double, _ latest: Double) -> Bool { until > latest + 60 }
}
