import DeployPipeline
import GitRepository
import Glibc
import ReleaseModel
import ReleaseStore

/// Deploys in the place where git asks whether a ref may move (githooks(5), `proc-receive`; git 2.29 and later): a
/// failed deploy is a failed push, with its reason in the rejection line, and the ref stays.
struct ProcReceiveHook {
    let host: AppHost

    init(_ host: AppHost) { self.host = host }

    func run() async throws -> Int32 {
        let reader = PacketReader(descriptor: STDIN_FILENO)
        let offered = try reader.section().first ?? ""
        let parts = offered.split(separator: "\0", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.first == "version=1" else { throw PacketError.version(offered) }
        let takesOptions = parts.count > 1 && parts[1].split(separator: " ").contains("push-options")
        send([PacketLine.encode("version=1" + (takesOptions ? "\0push-options" : "")), PacketLine.flush])
        let updates = try reader.section().compactMap(RefUpdate.init)
        let options = takesOptions ? try PushOptions.parse(reader.section()) : []
        var answers: [[UInt8]] = []
        for update in updates { answers.append(PacketLine.encode(await answer(update, options))) }
        send(answers + [PacketLine.flush])
        return 0
    }

    private func answer(_ update: RefUpdate, _ options: Set<PushOption>) async -> String {
        do {
            let ended = try await PushedDeploy(host).run(update.new, options: options)
            if ended.state == .live { move(update) }
            return ended.state == .live
                ? "ok \(update.reference)" : "ng \(update.reference) \(PushedDeploy.reason(ended))"
        } catch {
            if let hint = Reason(error).hint { Output.progress("hint: \(hint)") }
            return "ng \(update.reference) \(Reason(error).sentence.shown(limit: 300))"
        }
    }

    /// By `ok` git takes it that the ref has moved: the deploy's process has done it, unless it was killed.
    /// It is live in any case, and that is what the push is told.
    private func move(_ update: RefUpdate) {
        do {
            let repository = try GitRepository(opening: host.layout.repository)
            let tip = try repository.commitID(of: update.reference)
            if tip == nil || tip == update.old { try repository.setReference(update.reference, to: update.new) }
        } catch {
            Output.progress("\(update.reference) was not moved: \(Reason(error).sentence.shown(limit: 300))")
        }
    }

    private func send(_ packets: [[UInt8]]) {
        let bytes = packets.flatMap { $0 }
        Output.write(String(decoding: bytes, as: UTF8.self), to: STDOUT_FILENO)
    }
}

/// Deploys where `receive.procReceiveRefs` is not set, or git is too old for it: the ref has moved already, and only
/// the ssh shell can still turn the outcome into an exit status.
struct PostReceiveHook {
    let host: AppHost

    init(_ host: AppHost) { self.host = host }

    func run() async throws -> Int32 {
        let rules = PushRules(app: host.layout.name, branch: host.settings.branch)
        let commit = try rules.commit(of: RefUpdate.fromInput())
        // proc-receive has deployed it in this very push.
        guard try Ledger(host.layout).deploys(origin: PushOrigin.current).isEmpty else { return 0 }
        // Or has followed another push's deploy of the same commit.
        if try host.store.current()?.commit == commit { return 0 }
        let ended = try await PushedDeploy(host).run(commit, options: try PushOptions.fromEnvironment())
        return ended.state == .live ? 0 : 1
    }
}

/// The deploy of a pushed commit, followed for the pusher.
struct PushedDeploy {
    let host: AppHost

    init(_ host: AppHost) { self.host = host }

    func run(_ commit: CommitID, options: Set<PushOption>) async throws -> Deploy {
        let ledger = try Ledger(host.layout)
        let request = DeployRequest(
            host, kind: .push, commit: commit, options: options.map(\.rawValue).sorted(), origin: PushOrigin.current)
        let (deploy, attached) = try request.start(ledger)
        if attached { Output.progress("attached to deploy \(deploy.number), which runs already") }
        let ended = try await DeployFollower(host: host, ledger: ledger).follow(deploy.number, to: .pusher())
        // Its own process starts the watch, unless it was killed.
        if ended.state == .live, ended.process?.isAlive != true {
            try? Bake.resume(host, executable: Caller.executable)
        }
        return ended
    }

    /// The reason of a failed deploy, short enough for git's rejection line.
    static func reason(_ deploy: Deploy) -> String {
        (deploy.reason ?? "deploy \(deploy.number) \(deploy.state.rawValue)").shown(limit: 300)
    }
}
