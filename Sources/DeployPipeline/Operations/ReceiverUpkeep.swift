import HostControl
import ReleaseStore
import SystemPackage

/// Packs the receiver's objects and references: `gc.auto` is off in it, so that no push tidies up behind a running deploy.
/// git decides whether there is anything to do, and keeps what nobody refers to for two weeks (git-gc(1)).
struct ReceiverUpkeep {
    /// As many loose objects, or packs, as git itself lets gather.
    private static let thresholds = ["gc.auto=6700", "gc.autoPackLimit=50", "gc.autoDetach=false"]

    /// More references of deploys than that are packed: each is a file that every push reads several times, and `gc --auto`
    /// looks at objects alone.
    private static let looseReferences = 16

    let host: AppHost

    /// Packs where it is due. The app's lock is not needed: git may repack while it receives.
    func run() async {
        let loose = (try? DeployReference.directory(in: host.layout.repository).namesInside()) ?? []
        if loose.count > Self.looseReferences { await git(["pack-refs", "--all"]) }
        await git(Self.thresholds.flatMap { ["-c", $0] } + ["gc", "--auto", "--quiet"])
    }

    /// What is left undone is due again after the next deploy.
    private func git(_ arguments: [String]) async {
        let command = Command(
            executable: "git", arguments: ["--git-dir", host.layout.repository.string] + arguments)
        _ = try? await host.runner.run(command, within: .seconds(3600))
    }
}
