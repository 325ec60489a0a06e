import GitRepository
import Glibc
import HostControl
public import ReleaseModel
import ReleaseStore
import SiteTemplates
import SystemPackage

/// Looks over an app without changing anything, and says what is wrong and which command repairs it.
public struct Doctor: Sendable {
    let host: AppHost

    /// Something that was looked at.
    public struct Finding: Sendable, Encodable {
        /// `current`, `ledger`, `receiver` …
        public var what: String
        /// What was found.
        public var state: String
        /// A command that repairs it; nil where nothing is wrong.
        public var repair: String?
        /// Whether it is as it should be.
        public var isWell: Bool
    }

    /// The doctor of an app.
    public init(_ host: AppHost) { self.host = host }

    /// Looks at the links, the lock, the ledger, what was cut short, the receiver, the spare, the marks, the site, its
    /// certificates, the live services and their sandbox.
    public func findings() async -> [Finding] {
        [
            current(), link("previous", host.store.previous), lock(), ledger(), interrupted(), receiver(), spare(),
            marks(), await site(), await certificates(), await services(), await sandbox(),
        ].compactMap { $0 }
    }

    private var resume: String { "pmo-release resume \(host.layout.name)" }

    private func well(_ what: String, _ state: String) -> Finding {
        Finding(what: what, state: state, repair: nil, isWell: true)
    }

    private func wrong(_ what: String, _ state: String, _ repair: String?) -> Finding {
        Finding(what: what, state: state, repair: repair, isWell: false)
    }

    private func current() -> Finding {
        guard case .some(.none) = try? host.store.current(),
            let newest = (try? host.store.newestFirst())?.first(where: {
                host.store.served($0) && host.store.bad($0) == nil
            })
        else { return link("current", host.store.current) }
        return wrong(
            "current", "is gone, and there are releases",
            "pmo-release switch \(host.layout.name) \(newest.directoryName)")
    }

    private func link(_ what: String, _ read: () throws(StoreError) -> ReleaseID?) -> Finding {
        do throws(StoreError) {
            return well(what, try read().map { "leads to \($0.short)" } ?? "not there yet")
        } catch {
            return wrong(what, error.description, error.hint)
        }
    }

    private func lock() -> Finding {
        do {
            guard let free = try FileLock.tryAcquire(host.layout.lock) else {
                return well("lock", "held by \(AppLock.holder(of: host.layout)?.shown ?? "another command")")
            }
            free.release()
            return well("lock", "no command holds it")
        } catch {
            return wrong("lock", Reason(error).sentence, Reason(error).hint)
        }
    }

    private func ledger() -> Finding {
        do {
            guard access(host.layout.ledger.string, F_OK) == 0 else {
                let hasReleases = try !host.store.releases().isEmpty
                return hasReleases ? wrong("ledger", "is lost", resume) : well("ledger", "not there yet")
            }
            let ledger = try Ledger(readingOnly: host.layout)
            try ledger.verify()
            let lost = try ledger.unrecorded(host.store).count
            guard lost == 0 else { return wrong("ledger", "does not know \(lost) of the releases", resume) }
            let deploys = try ledger.deploys(limit: 1).first?.number ?? 0
            return well("ledger", "whole, \(deploys.counted("deploy"))")
        } catch let error as StoreError where error.isDamagedLedger {
            return wrong("ledger", error.description, resume)
        } catch {
            return wrong("ledger", Reason(error).sentence, Reason(error).hint)
        }
    }

    private func interrupted() -> Finding {
        do {
            let recovery = Recovery(host, try? Ledger(readingOnly: host.layout))
            let left = try recovery.numbers().filter { try recovery.remains(of: $0).next != nil }
            guard left.isEmpty else {
                return wrong("deploys", "cut short: \(left.map(String.init).joined(separator: ", "))", resume)
            }
            guard try !host.store.hasLeftovers() else {
                return wrong("deploys", "files of dead processes lie about", resume)
            }
            return well("deploys", "none was cut short")
        } catch {
            return wrong("deploys", Reason(error).sentence, Reason(error).hint)
        }
    }

    private func receiver() -> Finding {
        let path = host.layout.repository
        let isGone = access(path.string, F_OK) != 0
        let repair = isGone ? resume : "mv \(path) \(path).broken && \(resume)"
        do {
            _ = try GitRepository(opening: path)
        } catch {
            return wrong("receiver", Reason(error).sentence, repair)
        }
        let missing = SiteTemplates.hookNames.filter { access(path.appending("hooks").appending($0).string, X_OK) != 0 }
        guard missing.isEmpty else {
            return wrong(
                "receiver", "cannot run its hooks: \(missing.joined(separator: ", "))", resume)
        }
        let program = host.layout.host.bin.appending("post-receive")
        guard access(program.string, X_OK) == 0 else {
            return wrong("receiver", "the program behind its hooks is gone: \(program)", "install pmo-release again")
        }
        return well("receiver", "opens, and has its hooks")
    }

    private func spare() -> Finding {
        guard access(host.store.spare.string, F_OK) == 0 else { return well("spare", "none") }
        guard ReleaseIndex.read(ReleaseLayout(root: host.store.spare).index) != nil else {
            return wrong("spare", "has no index that can be read", "pmo-release prune \(host.layout.name)")
        }
        return well("spare", "ready for the next export")
    }

    private func marks() -> Finding {
        guard let current = (try? host.store.current()).flatMap({ $0 }) else { return well("marks", "nothing is live") }
        if let reason = host.store.bad(current) {
            return wrong(
                "marks", "the live release is marked bad: \(reason.shown(limit: 200))",
                "pmo-release rollback \(host.layout.name)")
        }
        guard host.store.served(current) else {
            return wrong("marks", "the live release is not marked as served", resume)
        }
        return well("marks", "the live release serves well")
    }

    /// The certificates that are really served; nil where none is, and where nginx does not run.
    private func certificates() async -> Finding? {
        let name = host.layout.name
        guard host.hostSettings.hasHostNginx, case .some(.some(let current)) = try? host.store.current(),
            host.site(of: current)?.isEmpty == false, await host.nginx.isRunning()
        else { return nil }
        do {
            let helper = HostNginx.helper(host.hostSettings, runner: host.runner)
            let rows = try await helper.certificates(of: name)
            let worst = rows.filter { [.expired, .otherNames, .ends].contains($0.state) }.min {
                $0.daysLeft < $1.daysLeft
            }
            if let worst {
                return wrong(
                    "certificate", "\(worst.domain): \(worst.state.rawValue), \(worst.daysLeft) days left",
                    worst.repair(for: name))
            }
            let placeholder = rows.first { $0.state == .placeholder }
            return well(
                "certificate", placeholder.map { "\($0.domain): a placeholder, until cert issue" } ?? "holds")
        } catch {
            return wrong("certificate", Reason(error).sentence, Reason(error).hint)
        }
    }

    /// Whether what the live release has started runs; nil where it has no service.
    private func services() async -> Finding? {
        guard let current = (try? host.store.current()).flatMap({ $0 }) else { return nil }
        do {
            let missing = try ServiceSlots(host).missing(of: current)
            guard missing.isEmpty else {
                return wrong(
                    "services", "not started: \(missing.map(\.text).joined(separator: ", "))",
                    "pmo-release restart \(host.layout.name)")
            }
            let placements = try ServiceSlots(host).placements(of: current) ?? []
            var down: [String] = []
            var stopped: [String] = []
            for placement in placements {
                for (number, instance) in placement.instances.enumerated() {
                    let status = try await host.supervisor.status(instance)
                    guard status.state == .down else { continue }
                    let name = "\(placement.service.name).\(number)"
                    if status.isStopped {
                        stopped.append(name)
                    } else {
                        down.append(name + (status.endings.map { " (\($0))" } ?? ""))
                    }
                }
            }
            let words = [("down", down), ("stopped", stopped)].filter { !$0.1.isEmpty }
                .map { "\($0.0): \($0.1.joined(separator: ", "))" }
            guard words.isEmpty else {
                return wrong(
                    "services", words.joined(separator: "; "),
                    "pmo-release \(down.isEmpty ? "start" : "logs") \(host.layout.name)")
            }
            return placements.isEmpty ? nil : well("services", "up")
        } catch {
            return wrong("services", Reason(error).sentence, Reason(error).hint)
        }
    }

    /// What keeps services from what is not theirs; nil where nothing on this host could.
    private func sandbox() async -> Finding? {
        guard host.hostSettings.supervisor == .systemd else { return nil }
        do {
            try SupervisorDetection.requireLasting()
        } catch {
            return wrong("systemd", error.description, error.hint)
        }
        do {
            guard let weakness = try await host.supervisor.weakness() else {
                return well("sandbox", "services write to what is theirs alone")
            }
            return wrong("sandbox", weakness.description, weakness.repair)
        } catch {
            return wrong("sandbox", Reason(error).sentence, Reason(error).hint)
        }
    }

    private func site() async -> Finding {
        guard let current = try? host.store.current() as ReleaseID?? else {
            return well("site", "not looked at: see current")
        }
        guard LiveSwitch(host).hasRightSite() else {
            return wrong("site", "nginx has another site than the live release's", resume)
        }
        if let start = await host.nginxStart(for: current) { return wrong("site", "nginx does not run", start) }
        return well("site", "nginx has the live release's")
    }
}
