import HostControl
import ReleaseStore
import SystemPackage

/// Packs the receiver's objects: `gc.auto` is off in it, so that no push tidies up behind a running deploy. git decides
/// whether there is anything to do, and keeps what nobody refers to for two weeks (git-gc(1)).
struct ReceiverUpkeep {
    /// As many loose objects, or packs, as git itself lets gather.
    private static let thresholds = ["gc.auto=6700", "gc.autoPackLimit=50", "gc.autoDetach=false"]

    let host: AppHost

    /// Packs where it is due. The app's lock is not needed: git may repack while it receives.
    func run() async {
        let settings = Self.thresholds.flatMap { ["-c", $0] }
        let command = Command(
            executable: "git",
            arguments: ["--git-dir", host.layout.repository.string] + settings + ["gc", "--auto", "--quiet"])
        // What it leaves undone is due again after the next deploy.
        _ = try? await host.runner.run(command, within: .seconds(3600))
    }
}
