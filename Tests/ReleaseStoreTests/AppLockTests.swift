import Foundation
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct AppLockTests {
    @Test func `one has it, the next does not, and then does`() throws {
        try withApp { (app) throws in
            let lock = try #require(try AppLock.tryAcquire(app, holding: "deploy 7", who: "alice"))
            var told: [LockHolder?] = []
            #expect(try AppLock.acquire(app, wait: .milliseconds(100), holding: "switch") { told.append($0) } == nil)
            #expect(told.count == 1)
            #expect(told.first??.what == "deploy 7")
            #expect(told.first??.who == "alice")
            #expect(told.first??.process.pid == getpid())
            lock.release()
            lock.release()
            #expect(AppLock.holder(of: app) == nil)
            #expect(try AppLock.tryAcquire(app, holding: "switch") != nil)
            #expect(try AppLock.tryAcquire(app, holding: "again") != nil, "given back at the end of its life")
            #expect(exists(app.lock), "never unlinked")
        }
    }

    @Test func `a note of the dead, with a number used again, is nobody's (F39)`() throws {
        try withApp { (app) throws in
            let lock = try #require(try AppLock.tryAcquire(app, holding: "deploy 7"))
            let note = try text(of: app.lock)
            lock.release()
            let own = ProcessIdentity.current()
            try write(note.replacingOccurrences(of: "\(own.started)", with: "\(own.started - 1)"), to: app.lock)
            #expect(AppLock.holder(of: app) == nil)
            #expect(try AppLock.tryAcquire(app, holding: "switch") != nil)
        }
    }

    @Test func `a lock file that was removed by hand lets nobody in twice`() throws {
        try withApp { (app) throws in
            let lock = try #require(try AppLock.tryAcquire(app, holding: "deploy 7"))
            try #require(unlink(app.lock.string) == 0)
            let other = try #require(try AppLock.tryAcquire(app, holding: "deploy 8"))
            #expect(try AppLock.tryAcquire(app, holding: "deploy 9") == nil)
            lock.release()
            #expect(try AppLock.tryAcquire(app, holding: "deploy 9") == nil)
            other.release()
        }
    }

    @Test(.enabled(if: access("/usr/bin/strace", X_OK) == 0, "needs strace"))
    func `a lock file that is replaced between opening and locking it lets nobody in`() throws {
        try withApp { (app) throws in
            let home = app.host.home
            let trace = home.appending("trace")
            // So slow that the file can be replaced meanwhile.
            let tracer = [
                "/usr/bin/strace", "-f", "-qq", "-o", trace.string, "-e", "trace=flock",
                "-e", "inject=flock:delay_enter=500000",
            ]
            let child = try ChildProcess(.hold, in: home, under: tracer)
            defer { _ = try? run("pkill", "-KILL", "-P", "\(child.pid)") }
            while !exists(app.lock) { usleep(1_000) }
            try #require(unlink(app.lock.string) == 0)
            let lock = try #require(try AppLock.tryAcquire(app, holding: "deploy 8"))
            // It has one, of the file that was there, and looks again.
            while try text(of: trace).split(separator: "\n").count < 3, !exists(home.appending("held")) {
                usleep(10_000)
            }
            #expect(!exists(home.appending("held")))
            lock.release()
            while !exists(home.appending("held")) { usleep(10_000) }
            #expect(try AppLock.tryAcquire(app, holding: "deploy 9") == nil)
        }
    }

    @Test func `the lock of an app that is not there is not made`() throws {
        try withApp { (app) throws in
            let gone = app.host.app(try AppName("gone"))
            #expect(throws: StoreError.unknownApp(gone.name, known: [app.name])) {
                try AppLock.tryAcquire(gone, holding: "switch")
            }
            #expect(!exists(gone.root))
        }
    }

    @Test func `a killed holder's lock is free within a second, and programs that it started do not keep it (I6)`()
        throws
    {
        try withApp { (app) throws in
            let home = app.host.home
            let child = try ChildProcess(.hold, in: home)
            while !exists(home.appending("held")) { usleep(5_000) }
            #expect(try AppLock.tryAcquire(app, holding: "switch") == nil)
            #expect(AppLock.holder(of: app)?.process.pid == child.pid)
            child.kill()
            #expect(try AppLock.acquire(app, wait: .seconds(1), holding: "switch") != nil)
            #expect(child.wait() == -SIGKILL)

            let lock = try #require(try AppLock.tryAcquire(app, holding: "deploy 8"))
            // Foundation's Process closes what it does not hand on; this one hands on all that is not to be closed.
            var program: pid_t = 0
            var words: [UnsafeMutablePointer<CChar>?] = [strdup("/bin/sleep"), strdup("60"), nil]
            defer { for word in words { free(word) } }
            #expect(posix_spawn(&program, "/bin/sleep", nil, nil, &words, environ) == 0)
            lock.release()
            #expect(try AppLock.acquire(app, wait: .seconds(5), holding: "deploy 9") != nil)
            kill(program, SIGKILL)
            waitpid(program, nil, 0)
        }
    }

    @Test func `flock(1) and we exclude each other`() throws {
        try withApp { (app) throws in
            let lock = try #require(try AppLock.tryAcquire(app, holding: "deploy 7"))
            #expect(try run("flock", "-n", app.lock.string, "true") == 1)
            lock.release()
            #expect(try run("flock", "-n", app.lock.string, "true") == 0)
        }
    }

    @Test func `processes and tasks that contend are never inside at once, though some are killed (F39, G7)`()
        async throws
    {
        try await withApp { (app) async throws in
            let home = app.host.home
            let inside = home.appending("inside")
            let victims = try (0..<2).map { _ in try ChildProcess(.contendAndDie, in: home) }
            let children = try (0..<3).map { _ in try ChildProcess(.contend, in: home, count: 150) }
            Thread.detachNewThread {
                for victim in victims {
                    usleep(500_000)
                    victim.kill()
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { try contend(for: app, times: 150, inside: inside) } }
                try await group.waitForAll()
            }
            for child in children { #expect(child.wait() == 0) }
            for victim in victims { #expect(victim.wait() == -SIGKILL) }
        }
    }
}
