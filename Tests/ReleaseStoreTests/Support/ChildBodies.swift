import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

/// What a process of its own does for a test.
enum ChildBody: String {
    case contend, contendAndDie, deploy, hold, link, record, removeUnprivileged

    static let key = "PMO_TEST_CHILD"
    static var chosen: ChildBody? { ProcessInfo.processInfo.environment[key].flatMap(ChildBody.init(rawValue:)) }
}

/// No tests of their own: they run in processes that other tests start.
@Suite(.enabled(if: ChildBody.chosen != nil, "runs only inside processes that other tests start"))
struct ChildBodies {
    private var directory: FilePath { FilePath(ProcessInfo.processInfo.environment["PMO_TEST_DIRECTORY"] ?? "") }
    private var count: Int { Int(ProcessInfo.processInfo.environment["PMO_TEST_COUNT"] ?? "") ?? 0 }

    @Test func `the body that was chosen`() throws {
        switch try #require(ChildBody.chosen) {
        case .contend: try contend(for: existingApp(), times: count, inside: directory.appending("inside"))
        case .contendAndDie: while true { try AppLock.acquire(existingApp(), wait: nil, holding: "die")?.release() }
        case .deploy: try deploy()
        case .hold: try hold()
        case .link: try LinkedApp(existingApp()).linkForEver()
        case .record: for _ in 0..<count { _ = try Ledger(existingApp()).record(someDeploy()) }
        case .removeUnprivileged: try removeUnprivileged()
        }
    }

    private func existingApp() throws -> AppLayout { HostLayout(home: directory).app(try AppName("pmo")) }

    /// Two releases go live, and the first again.
    private func deploy() throws {
        let store = ReleaseStore(try existingApp())
        let old = try store.make(ReleaseID(commit: commit("a")), deploy: 1)
        try store.pointCurrent(at: old)
        try store.markServed(old)
        try store.pointCurrent(at: store.make(ReleaseID(commit: commit("b")), deploy: 2))
        try store.pointCurrent(at: old)
    }

    private func hold() throws {
        let lock = try AppLock.acquire(existingApp(), wait: nil, holding: "deploy 7", who: "alice")
        try write("", to: directory.appending("held"))
        sleep(600)
        lock?.release()
    }

    /// As somebody whom modes bind, with few descriptors.
    private func removeUnprivileged() throws {
        var limit = rlimit(rlim_cur: 40, rlim_max: 40)
        #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        if getuid() == 0 { #expect(setuid(65534) == 0) }
        try TreeRemoval.remove(directory.appending("tree"))
    }
}

/// Takes the lock again and again; whoever is inside alone can make the file.
func contend(for app: AppLayout, times: Int, inside: FilePath) throws {
    for _ in 0..<times {
        let lock = try #require(try AppLock.acquire(app, wait: .seconds(120), holding: "contend"))
        let descriptor = open(inside.string, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        #expect(descriptor >= 0, "two were inside")
        close(descriptor)
        unlink(inside.string)
        lock.release()
    }
}

func someDeploy(_ digit: Character = "a", origin: String = "", created: Double = 1) throws -> Deploy {
    Deploy(
        kind: .push, commit: try commit(digit), subject: "Say “hello”", author: "Alice", branch: "main", who: "alice",
        origin: origin, created: created)
}
