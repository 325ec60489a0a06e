import Glibc
import ReleaseModel
import SystemPackage

extension Nginx {
    /// Hands nginx the configuration on disk and waits until that one answers, and no worker of the old one does.
    func reload() async throws(HostError) {
        guard await isRunning() else { return try await ensureRunning() }
        let generation = newGeneration()
        try write(try rendered(files(generation)), to: configuration)
        let master = try await supervisor.status(instance).pid
        let workers = master.map { master in ProcessGroup.members(of: master).filter { $0 != master } } ?? []
        let result = try await nginx(["-s", "reload", "-c", configuration.string])
        guard result.succeeded else { throw .nginx(result.problem) }
        try await waitFor(generation)
        // nginx lets the old workers accept for another 100 ms (ngx_process_cycle.c).
        let deadline = ContinuousClock.now + Self.takeoverLimit
        while workers.contains(where: ListeningSockets.isListening), ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    func files(_ generation: String) -> NginxFiles {
        NginxFiles(sites: sites, pid: pidFile, control: control, generation: generation)
    }

    func rendered(_ files: NginxFiles) throws(HostError) -> String {
        do { return try render(files) } catch { throw .nginx("\(error)") }
    }

    func nginx(_ arguments: [String]) async throws(HostError) -> CommandResult {
        try await runner.run(
            Command(
                executable: "nginx",
                arguments: ["-e", directory.appending("logs/error.log").string, "-p", directory.string] + arguments),
            within: .seconds(30))
    }

    func waitFor(_ wanted: String) async throws(HostError) {
        let deadline = ContinuousClock.now + Self.takeoverLimit
        while await generation() != wanted {
            guard ContinuousClock.now < deadline else {
                let lines =
                    ServiceLog(directory: instance.logDirectory).tail(3, since: nil)
                    + (ProcessGroup.text(directory.appending("logs/error.log").string) ?? "")
                    .split(separator: "\n").suffix(20).filter { $0.contains("[emerg]") }.suffix(2).map(String.init)
                throw .nginx("the new configuration does not answer; \(lines.joined(separator: "; "))")
            }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// What nginx says its configuration is; nil where it does not answer.
    func generation() async -> String? {
        guard access(control.string, F_OK) == 0 else { return nil }
        let command = Command(
            executable: "curl",
            arguments: ["-q", "-sS", "--max-time", "2", "--unix-socket", control.string, "http://localhost/generation"])
        guard let result = try? await runner.run(command, within: .seconds(5)), result.succeeded else { return nil }
        return result.text
    }

    func newGeneration() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return "\(now.tv_sec).\(now.tv_nsec).\(getpid())"
    }

    func siteNames() -> [String] { directoryNames(sites).filter { $0.hasSuffix(".conf") } }

    func prepareDirectories() throws(HostError) {
        for name in ["", "sites", "logs", "logs/nginx", "tmp", "service", "service/log"] {
            try makeDirectory(name.isEmpty ? directory : directory.appending(name))
        }
    }

    /// runit's scripts for nginx itself.
    func writeService() throws(HostError) {
        let program = try HostPrograms.find("nginx")
        let service = instance.directory
        try write(
            """
            #!/bin/sh
            # nginx of pmo-release, kept running by the supervisor.
            exec 2>&1
            # A runsv that was killed has left a master, which has the port.
            read -r old 2>/dev/null <pgid || old=none
            ! grep -qsF '\(configuration.string)' "/proc/$old/cmdline" || ./finish
            echo "$$" 2>/dev/null >pgid
            rm -f '\(control.string)'
            # runit starts it in a process group of its own by this; systemd does that by itself.
            own=
            [ ! -x /usr/bin/chpst ] || own='/usr/bin/chpst -P'
            exec $own '\(program)' -e '\(directory.appending("logs/error.log").string)' -p '\(directory.string)' \
            -c '\(configuration.string)'

            """, to: service.appending("run"), mode: 0o755)
        // Of a master that was killed the workers go on and have the port.
        try write(
            """
            #!/bin/sh
            read -r old 2>/dev/null <pgid || exit 0
            rm -f pgid
            case $old in '' | *[!0-9]* | 0 | 1) exit 0 ;; esac
            kill -s TERM -- "-$old" 2>/dev/null || exit 0
            left=50
            while [ "$left" -gt 0 ] && kill -s 0 -- "-$old" 2>/dev/null; do left=$((left - 1)); sleep 0.1; done
            kill -s KILL -- "-$old" 2>/dev/null
            exit 0

            """, to: service.appending("finish"), mode: 0o755)
        try write(
            "#!/bin/sh\nexec svlogd -tt '\(instance.logDirectory.string)'\n", to: service.appending("log/run"),
            mode: 0o755)
        try makeDirectory(service.appending("control"))
        try write(
            "#!/bin/sh\nread -r pid <supervise/pid && kill -QUIT \"$pid\"\n", to: service.appending("control/t"),
            mode: 0o755)
        if access(service.appending("down").string, F_OK) != 0 { try write("", to: service.appending("down")) }
    }

    func makeDirectory(_ path: FilePath) throws(HostError) {
        if mkdir(path.string, 0o755) != 0, errno != EEXIST {
            throw .file(path: path.string, message: "\(Errno(rawValue: errno))")
        }
    }

    /// Writes a file whole: a temporary one beside it, synced, then renamed.
    func write(_ text: String, to path: FilePath, mode: mode_t = 0o644) throws(HostError) {
        let temporary = path.string + ".\(getpid()).new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw .file(path: temporary, message: "\(Errno(rawValue: errno))") }
        defer { close(file) }
        do { try FileDescriptor(rawValue: file).writeAll(text.utf8) } catch {
            throw .file(path: temporary, message: "\(error)")
        }
        guard fsync(file) == 0, rename(temporary, path.string) == 0 else {
            throw .file(path: path.string, message: "\(Errno(rawValue: errno))")
        }
    }
}
