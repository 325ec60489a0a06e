import ReleaseModel
import ReleaseStore

extension Ledger {
    /// Puts the end of a deploy into the history, once: it is told before it counts, so that whoever sees the end finds it
    /// there, and a kill between the two has it told again. It cannot fail a deploy.
    func tellEnd(of deploy: Deploy, _ end: String) {
        let verb = deploy.kind.rawValue
        let isTold = (try? events(limit: 50).contains { $0.deploy == deploy.number && $0.verb == verb }) ?? false
        guard !isTold else { return }
        try? record(
            LedgerEvent(
                time: currentTime(), who: deploy.who, verb: verb, detail: "\(deploy.commit.short) \(end)",
                deploy: deploy.number))
    }
}
