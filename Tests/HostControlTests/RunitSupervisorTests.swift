import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import HostControl

/// A home with a runsvdir of its own.
struct RunitHome {
    let root: FilePath
    let supervisor: RunitSupervisor

    init(_ directory: FilePath) throws {
        root = directory
        supervisor = RunitSupervisor(services: try directory.directory("services"), runner: ProcessRunner())
    }

    /// An instance whose command leads a process group of its own and gets TERM as a whole, as the templates have it.
    func instance(_ name: String, _ command: String, within limit: String = "5s") throws -> SupervisedInstance {
        let directory = try root.directory("slots/\(name)")
        let log = try directory.directory("log")
        let logs = try root.directory("logs/\(name)")
        _ = try directory.directory("control")
        try directory.appending("down").write("")
        try directory.appending("run").write(
            "#!/bin/sh\nexec 2>&1\nexec chpst -P /bin/sh -c '\(command)'\n", mode: 0o755)
        try directory.appending("control/t").write(
            "#!/bin/sh\nread -r pid < supervise/pid && kill -s TERM -- \"-$pid\"\n", mode: 0o755)
        try log.appending("run").write("#!/bin/sh\nexec svlogd -tt '\(logs)'\n", mode: 0o755)
        return SupervisedInstance(
            unit: name, directory: directory, logDirectory: logs, description: name,
            stop: StopRule(within: try TimeLimit(limit)))
    }

    func up(_ instance: SupervisedInstance) async throws -> Int32? {
        var pid: Int32?
        _ = try await eventually {
            pid = try await supervisor.status(instance).pid
            return pid != nil
        }
        return pid
    }

    var watchers: [Int32] {
        ProcessGroup.allPids().filter {
            let words = ProcessGroup.text("/proc/\($0)/cmdline")?.split(separator: "\0") ?? []
            return words.first?.hasSuffix("runsvdir") == true && words.contains(Substring(supervisor.services.string))
        }
    }
}

/// Lends such a home.
func withRunit(_ body: (RunitHome) async throws -> Void) async throws {
    try await withDirectory { try await body(RunitHome($0)) }
}

@Suite("RunitSupervisor with the real runit")
struct RunitSupervisorTests {
    @Test("An instance is prepared without being started, started, seen, and logged")
    func startAndStatus() async throws {
        try await withRunit { home in
            let instance = try home.instance("web", "echo hello; exec sleep 600")
            try await home.supervisor.prepare([instance])
            #expect(try await home.supervisor.status(instance).state == .down)
            #expect(home.supervisor.logTail(instance, lines: 5, since: nil) == [])
            let mark = home.supervisor.mark(instance)
            let begun = ContinuousClock.now
            try await home.supervisor.start(instance)
            let pid = try #require(try await home.up(instance))
            #expect(ProcessGroup.members(of: pid) == [pid])
            #expect(await eventually { home.supervisor.logTail(instance, lines: 5, since: mark) == ["hello"] })
            #expect(home.supervisor.logTail(instance, lines: 5, since: home.supervisor.mark(instance)) == [])
            try await Task.sleep(for: .seconds(2))
            let status = try await home.supervisor.status(instance)
            #expect(status.pid == pid)
            #expect(status.seconds >= 1 && .seconds(status.seconds) <= ContinuousClock.now - begun + .seconds(1))
        }
    }

    @Test("F15: What runsv could not write on a full disk is seen nevertheless: that it is up, and that it is down")
    func staleStatus() async throws {
        try await withRunit { home in
            let instance = try home.instance("web", "sleep 600")
            try await home.supervisor.prepare([instance])
            let file = instance.directory.appending("supervise/status")
            let down = try #require(ProcessGroup.bytes(file.string))
            try await home.supervisor.start(instance)
            let pid = try #require(try await home.up(instance))
            #expect(await eventually { ProcessGroup.bytes(file.string)?.last == 1 })
            let up = try #require(ProcessGroup.bytes(file.string))

            try Data(down).write(to: URL(fileURLWithPath: file.string))
            let running = try await home.supervisor.status(instance)
            #expect(running.pid == pid && running.state == .up)
            #expect(try await home.supervisor.stop(instance, rule: instance.stop) == .ended)
            try Data(up).write(to: URL(fileURLWithPath: file.string))
            #expect(try await home.supervisor.status(instance).state == .down)
        }
    }

    @Test("An instance that crashes is started again")
    func restart() async throws {
        try await withRunit { home in
            let instance = try home.instance("web", "exec sleep 600")
            try await home.supervisor.prepare([instance])
            try await home.supervisor.start(instance)
            let first = try #require(try await home.up(instance))
            kill(first, SIGKILL)
            #expect(
                try await eventually {
                    guard let now = try await home.supervisor.status(instance).pid else { return false }
                    return now != first
                })
        }
    }

    @Test("F28: How often an instance has ended is told, and how; a stop is none of that, and a start counts anew")
    func ends() async throws {
        try await withRunit { home in
            let instance = try home.instance("web", "exit 4")
            // The words that runsv gives to `finish`, as the template writes them down.
            let note = "read -r times _ 2> /dev/null < ended; echo $((times + 1)) $1 $2 > ended"
            try instance.directory.appending("finish").write("#!/bin/sh\n\(note)\n", mode: 0o755)
            try await home.supervisor.prepare([instance])
            #expect(try await home.supervisor.status(instance).isStopped)
            try await home.supervisor.start(instance)
            #expect(try await eventually { try await home.supervisor.status(instance).ends > 1 })
            let crashing = try await home.supervisor.status(instance)
            #expect(crashing.lastEnd == .exited(4) && !crashing.isStopped, "\(crashing)")

            _ = try await home.supervisor.stop(instance, rule: instance.stop)
            let stopped = try await home.supervisor.status(instance)
            #expect(stopped == InstanceStatus(state: .down, seconds: stopped.seconds, isToldToStop: true))

            try instance.directory.appending("run").write("#!/bin/sh\nexec sleep 600\n", mode: 0o755)
            try await home.supervisor.start(instance)
            let pid = try #require(try await home.up(instance))
            #expect(try await home.supervisor.status(instance).ends == 0)
            kill(pid, SIGSEGV)
            #expect(try await eventually { try await home.supervisor.status(instance).ends == 1 })
            #expect(try await home.supervisor.status(instance).endings == "ended with signal 11")
        }
    }

    @Test("A stop ends the whole process group, and says that it ended by itself")
    func stopGroup() async throws {
        try await withRunit { home in
            let instance = try home.instance("web", "sleep 600 & sleep 600 & wait")
            try await home.supervisor.prepare([instance])
            #expect(try await home.supervisor.stop(instance, rule: instance.stop) == .wasDown)
            try await home.supervisor.start(instance)
            let group = try #require(try await home.up(instance))
            #expect(await eventually { ProcessGroup.members(of: group).count == 3 })
            #expect(try await home.supervisor.stop(instance, rule: instance.stop) == .ended)
            #expect(ProcessGroup.isEmpty(group))
            #expect(try await home.supervisor.status(instance).state == .down)
            #expect(try await home.supervisor.stop(instance, rule: instance.stop) == .wasDown)
        }
    }

    @Test("F31: children that ignore TERM are killed when the time is up, and that is told")
    func stopKills() async throws {
        try await withRunit { home in
            let child = #"(trap "" TERM; sleep 600; sleep 600)"#
            let instances = [
                try home.instance("child", "\(child) & exec sleep 600", within: "1s"),
                try home.instance("leader", #"trap "" TERM; sleep 600; sleep 600"#, within: "1s"),
            ]
            try await home.supervisor.prepare(instances)
            for instance in instances {
                try await home.supervisor.start(instance)
                let group = try #require(try await home.up(instance))
                #expect(await eventually { ProcessGroup.members(of: group).count >= 2 })
                #expect(try await home.supervisor.stop(instance, rule: instance.stop) == .killed(connections: 0))
                #expect(ProcessGroup.isEmpty(group))
            }
        }
    }

    @Test("A stopped instance stays down when runsvdir starts anew, a started one comes back")
    func survives() async throws {
        try await withRunit { home in
            let stopped = try home.instance("stopped", "exec sleep 600")
            let started = try home.instance("started", "exec sleep 600")
            try await home.supervisor.prepare([stopped, started])
            for instance in [stopped, started] {
                try await home.supervisor.start(instance)
                #expect(try await home.up(instance) != nil)
            }
            _ = try await home.supervisor.stop(stopped, rule: stopped.stop)
            try await home.supervisor.shutdown()
            #expect(try await home.supervisor.status(started).state == .down)
            try home.supervisor.ensureRunning()
            #expect(try await home.up(started) != nil)
            try await home.supervisor.prepare([stopped])
            try await Task.sleep(for: .milliseconds(500))
            #expect(try await home.supervisor.status(stopped).state == .down)
        }
    }

    @Test("However many ask at once, there is one runsvdir")
    func onlyOne() async throws {
        try await withRunit { home in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 { group.addTask { try home.supervisor.ensureRunning() } }
                try await group.waitForAll()
            }
            #expect(home.watchers.count == 1)
        }
    }

    @Test("A removed instance has no runsv and no link, and its log's end stays")
    func remove() async throws {
        try await withRunit { home in
            let instance = try home.instance("web", "echo last; exec sleep 600")
            try await home.supervisor.prepare([instance])
            try await home.supervisor.start(instance)
            #expect(await eventually { home.supervisor.logTail(instance, lines: 1, since: nil) == ["last"] })
            _ = try await home.supervisor.stop(instance, rule: instance.stop)
            try await home.supervisor.remove(instance)
            #expect(access(home.supervisor.services.appending("web").string, F_OK) != 0)
            #expect(!RunitControl(instance.directory).isSupervised)
            #expect(await eventually { processes(in: instance.directory).isEmpty })
            #expect(home.supervisor.logTail(instance, lines: 1, since: nil) == ["last"])
            try await home.supervisor.remove(instance)
        }
    }

    @Test("A shutdown leaves no process, not even what ignores TERM")
    func shutdown() async throws {
        try await withRunit { home in
            let good = try home.instance("good", "exec sleep 600")
            let bad = try home.instance("bad", #"trap "" TERM; sleep 600 & sleep 600; sleep 600"#, within: "1s")
            try await home.supervisor.prepare([good, bad])
            for instance in [good, bad] { try await home.supervisor.start(instance) }
            let groups = try await [home.up(good), home.up(bad)].compactMap { $0 }
            #expect(groups.count == 2)
            try await home.supervisor.shutdown()
            #expect(home.watchers == [])
            #expect(groups.allSatisfy { ProcessGroup.isEmpty($0) })
            #expect(processes(in: home.root) == [])
            // Nothing runs, so there is nothing to do.
            try await home.supervisor.shutdown()
        }
    }

    @Test("An instance without a runsv is down, and cannot be started")
    func unsupervised() async throws {
        try await withRunit { home in
            let instance = try home.instance("web", "exec sleep 600")
            #expect(try await home.supervisor.status(instance).state == .down)
            #expect(try await home.supervisor.stop(instance, rule: instance.stop) == .wasDown)
            await #expect(throws: HostError.self) { try await home.supervisor.start(instance) }
        }
    }
}
