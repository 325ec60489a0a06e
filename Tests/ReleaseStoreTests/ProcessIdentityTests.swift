import Foundation
import Glibc
import ReleaseModel
import ReleaseStore
import Testing

struct ProcessIdentityTests {
    @Test func `this process and its parent are alive`() throws {
        let own = ProcessIdentity.current()
        #expect(own.pid == getpid() && own.started > 0 && own.boot.count == 36)
        #expect(own.isAlive)
        #expect(try #require(ProcessIdentity.parent()).pid == getppid())
    }

    @Test func `a later process with the same number, or of another boot, is another (F39)`() {
        let own = ProcessIdentity.current()
        #expect(!ProcessIdentity(pid: own.pid, started: own.started + 1, boot: own.boot).isAlive)
        #expect(!ProcessIdentity(pid: own.pid, started: own.started, boot: "before").isAlive)
        #expect(ProcessIdentity.of(pid: 0) == nil && ProcessIdentity.of(pid: .max) == nil)
    }

    @Test func `a process that ended is not alive, though nobody has waited for it`() throws {
        var pid: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("60"), nil]
        defer { arguments.forEach { free($0) } }
        try #require(posix_spawn(&pid, "/bin/sleep", nil, nil, &arguments, nil) == 0)
        let child = try #require(ProcessIdentity.of(pid: pid))
        #expect(child.isAlive)
        kill(pid, SIGKILL)
        let deadline = ContinuousClock.now + .seconds(5)
        while child.isAlive, ContinuousClock.now < deadline { usleep(1_000) }
        #expect(!child.isAlive)
        #expect(ProcessIdentity.of(pid: pid) == child, "a zombie")
        #expect(waitpid(pid, nil, 0) == pid)
    }
}
