import Foundation
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

@Suite("Load: the lock", .serialized, .timeLimit(.minutes(30)))
struct LoadLockTests {
    /// What the contenders leave: a byte for each taking, and one for each time that two were inside.
    private struct Seen {
        var taken = 0
        var overlaps = 0
        var kills = 0
    }

    @Test("G7, F39: never has two holders, whoever is killed when")
    func excludes() async throws {
        let count = LoadCount.of("G7", inTest: 500)
        var numbers = SeededNumbers()
        let seed = numbers.seed
        let seen = try await contend(.appLock, with: &numbers) { $0.taken >= count }
        LoadCount.tell("G7", "seed \(seed): \(seen.taken) takings, \(seen.kills) kills, \(seen.overlaps) overlaps")
        #expect(seen.taken >= count && seen.kills > 0)
        #expect(seen.overlaps == 0)
    }

    @Test("the same contenders see two inside where a lock file is removed by whoever gives it back")
    func othersOverlap() async throws {
        var numbers = SeededNumbers()
        let seen = try await contend(.unlinked, with: &numbers) { $0.overlaps > 0 || $0.taken > 20_000 }
        LoadCount.tell("G7", "flock and unlink: \(seen.overlaps) overlaps in \(seen.taken) takings")
        #expect(seen.overlaps > 0, "must be seen to fail")
    }

    private func contend(
        _ lock: ContendedLock, with numbers: inout SeededNumbers, until isEnough: (Seen) -> Bool
    ) async throws -> Seen {
        let directory = "/tmp/pmo-lock-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let app = HostLayout(home: FilePath(directory)).app(try AppName("pmo"))
        try app.createDirectories()
        var contenders = try (0..<4).map { _ in try LoadContender.start(lock, in: directory) }
        var seen = Seen()
        while !isEnough(seen), contenders.allSatisfy({ !$0.hasEnded }) {
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...250, using: &numbers)))
            let victim = Int.random(in: 0..<contenders.count, using: &numbers)
            kill(contenders[victim].pid, SIGKILL)
            _ = try await contenders[victim].ended()
            contenders[victim] = try LoadContender.start(lock, in: directory)
            seen.kills += 1
            seen.taken = size("\(directory)/taken")
            seen.overlaps = size("\(directory)/overlaps")
        }
        #expect(contenders.allSatisfy { !$0.hasEnded }, "\(contenders.map(\.said))")
        return seen
    }

    private func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}

/// The locks that are contended for.
enum ContendedLock: String {
    /// Ours.
    case appLock
    /// flock(2) on a file that is removed before it is given back.
    case unlinked

    /// Set in processes that a test has started.
    static var chosen: ContendedLock? {
        ProcessInfo.processInfo.environment["PMO_TEST_LOCK"].flatMap(ContendedLock.init(rawValue:))
    }
}

/// A process that takes a lock again and again: this test program, started once more.
@Suite(.enabled(if: ContendedLock.chosen != nil, "runs only inside processes that another test starts"))
struct LoadContender {
    static func start(_ lock: ContendedLock, in directory: String) throws -> Subprocess {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        return try Subprocess(
            program, ["--testing-library", "swift-testing", "--filter", "LoadContender"],
            environment: [
                "PATH": Programs.path, "PMO_TEST_LOCK": lock.rawValue, "PMO_TEST_DIRECTORY": directory,
                "LD_LIBRARY_PATH": ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? "",
            ], directory: "/", input: "")
    }

    private var directory: String { ProcessInfo.processInfo.environment["PMO_TEST_DIRECTORY"] ?? "" }

    @Test("takes it until it is killed")
    func contends() throws {
        let app = HostLayout(home: FilePath(directory)).app(try AppName("pmo"))
        let lock = try #require(ContendedLock.chosen)
        while getppid() != 1 {
            switch lock {
            case .appLock:
                let held = try #require(try AppLock.acquire(app, wait: nil, holding: "contend"))
                beInside()
                held.release()
            case .unlinked:
                let file = open("\(directory)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
                flock(file, LOCK_EX)
                beInside()
                unlink("\(directory)/lock")
                close(file)
            }
        }
    }

    /// Who comes in leaves its number; one who finds that of another that lives is not alone.
    private func beInside() {
        let inside = "\(directory)/inside"
        let own = open(inside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if own < 0, isOccupied(inside) { append("overlaps") }
        try? "\(getpid())".write(toFile: inside, atomically: false, encoding: .utf8)
        if own >= 0 { close(own) }
        append("taken")
        usleep(UInt32.random(in: 0...3000))
        unlink(inside)
    }

    /// A killed one leaves its number as well, or an empty file.
    private func isOccupied(_ inside: String) -> Bool {
        guard let text = try? String(contentsOfFile: inside, encoding: .utf8) else { return true }
        guard let pid = pid_t(text), let line = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else {
            return false
        }
        return pid != getpid() && !line.contains(") Z ")
    }

    private func append(_ name: String) {
        let file = open("\(directory)/\(name)", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        write(file, "x", 1)
        close(file)
    }
}
