import Glibc
public import ReleaseModel
public import SystemPackage

/// The nginx of the host, which other sites have as well: a change is tested in a copy of the whole configuration, and
/// counts once the new one answers. Only root may use it.
public struct SystemNginx: Sendable {
    /// How long nginx may take to start or to take over a configuration.
    static let takeoverLimit = Duration.seconds(15)

    let prefix: FilePath
    let pidFile: FilePath
    let stages: FilePath
    let startsBySystemd: Bool
    let runner: any CommandRunner

    /// The nginx of a host.
    ///
    /// - Parameter prefix: the directory of `nginx.conf`.
    /// - Parameter pidFile: where its configuration has the number of its process.
    /// - Parameter stages: a directory of ours for copies of the configuration.
    /// - Parameter startsBySystemd: whether it is started by `systemctl` where systemd runs.
    public init(
        prefix: FilePath, pidFile: FilePath, stages: FilePath, startsBySystemd: Bool, runner: any CommandRunner
    ) {
        self.prefix = prefix
        self.pidFile = pidFile
        self.stages = stages
        self.startsBySystemd = startsBySystemd
        self.runner = runner
    }

    var configuration: FilePath { prefix.appending("nginx.conf") }

    /// What nginx says of a configuration.
    public struct Verdict: Sendable {
        /// Whether it takes it.
        public var isTaken: Bool
        /// Why not.
        public var message = ""
        /// The file that it is about.
        public var file: String?
        /// The names that two servers claim on one address.
        public var conflicts: [String] = []
        /// The configuration's words, where they were asked for.
        public var words: NginxWords?
    }

    /// Tests the configuration as it would be.
    ///
    /// - Parameter changes: the text of each file that is another one, nil for one that is not there.
    /// - Parameter dumping: whether to tell the configuration's words, too.
    public func test(
        changing changes: [FilePath: String?] = [:], dumping: Bool = false
    ) async throws(HostError) -> Verdict {
        let stage = NginxStage(prefix: prefix, root: stages.appending("stage.\(getpid())"))
        stage.remove()
        defer { stage.remove() }
        try stage.make(changing: changes)
        let result = try await run([dumping ? "-T" : "-t", "-c", stage.configuration.string], keeping: 16 << 20)
        let said = stage.original(String(decoding: result.errorOutput, as: UTF8.self))
        var verdict = NginxComplaint(said).verdict(isTaken: result.succeeded, below: prefix)
        if result.timedOut { verdict.message = "its test takes longer than a minute" }
        if dumping, result.succeeded {
            verdict.words = NginxWords(stage.original(String(decoding: result.output, as: UTF8.self)))
        }
        return verdict
    }

    /// Removes the copies that killed processes have left.
    public func sweepStages() {
        for name in directoryNames(stages) where name.hasPrefix("stage.") { NginxStage.remove(stages.appending(name)) }
    }

    /// nginx's process; nil where it does not run.
    public var master: Int32? {
        guard let text = ProcessGroup.text(pidFile.string)?.split(separator: "\n").first, let pid = Int32(text),
            pid > 0,
            ProcessGroup.text("/proc/\(pid)/comm") == "nginx\n"
        else { return nil }
        return pid
    }

    /// The version's three numbers, such as 1.22.1.
    public func version() async throws(HostError) -> [Int] {
        let said = try await run(["-v"], keeping: 1 << 10).problem
        guard let text = said.split(separator: "/").last?.split(separator: " ").first else { return [] }
        return text.split(separator: ".").compactMap { Int($0) }
    }

    /// Hands nginx the configuration on the disk, or starts it where it does not run, and waits until `isLive` says that
    /// the new one answers.
    ///
    /// - Parameter ports: what the configuration listens on.
    /// - Throws: `HostError.portTaken` with who holds a port, `HostError.nginx` with why it was not taken over.
    public func takeOver(ports: [Int], until isLive: () async -> Bool) async throws(HostError) {
        try checkPorts(ports)
        let before = logLines()
        if let master {
            let old = ProcessGroup.children(of: master)
            try await order(["-s", "reload", "-c", configuration.string])
            try await wait(before, isLive)
            // Old workers accept for another moment (ngx_process_cycle.c); what they answer would be the old site.
            let deadline = ContinuousClock.now + Self.takeoverLimit
            while old.contains(where: ListeningSockets.isListening), ContinuousClock.now < deadline {
                try? await Task.sleep(for: .milliseconds(10))
            }
        } else {
            try await start()
            try await wait(before, isLive)
        }
    }

    /// A port that nginx does not have yet must be free: nginx itself would go on without it, or not start.
    private func checkPorts(_ ports: [Int]) throws(HostError) {
        let own = master.map { Set([$0] + ProcessGroup.children(of: $0)) } ?? []
        for port in ports {
            guard let owner = ListeningSockets.owner(ofPort: port), !own.contains(owner.pid) else { continue }
            throw .portTaken(port: port, holder: "\(owner.name) (pid \(owner.pid))")
        }
    }

    private func start() async throws(HostError) {
        guard startsBySystemd, access("/run/systemd/system", F_OK) == 0 else {
            // Without `-e`, which would stay the log of a configuration that names none.
            let result = try await runner.run(
                Command(executable: "nginx", arguments: ["-c", configuration.string]), within: .seconds(60))
            guard result.succeeded else { throw .nginx(result.problem) }
            return
        }
        let result = try await runner.run(
            Command(executable: "systemctl", arguments: ["restart", "nginx.service"]), within: .seconds(60))
        guard result.succeeded else { throw .nginx(result.problem) }
    }

    private func order(_ arguments: [String]) async throws(HostError) {
        let result = try await run(arguments, keeping: 1 << 16)
        guard result.succeeded else { throw .nginx(result.problem) }
    }

    private func wait(_ before: Int, _ isLive: () async -> Bool) async throws(HostError) {
        let deadline = ContinuousClock.now + Self.takeoverLimit
        while await !isLive() {
            guard ContinuousClock.now < deadline else {
                let lines = errorLog().dropFirst(before).filter { $0.contains("[emerg]") }.suffix(2)
                throw .nginx(
                    (["the new configuration does not answer"] + lines.map(String.init)).joined(separator: "; "))
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func logLines() -> Int { errorLog().count }
    private func errorLog() -> [Substring] {
        (ProcessGroup.text("/var/log/nginx/error.log") ?? "").split(separator: "\n")
    }

    private func run(_ arguments: [String], keeping limit: Int) async throws(HostError) -> CommandResult {
        try await runner.run(
            Command(executable: "nginx", arguments: ["-e", "stderr"] + arguments), within: .seconds(60),
            outputLimit: limit)
    }
}

/// What nginx writes about a configuration.
struct NginxComplaint {
    private let lines: [Substring]

    init(_ said: String) { lines = said.split(separator: "\n") }

    func verdict(isTaken: Bool, below prefix: FilePath) -> SystemNginx.Verdict {
        var verdict = SystemNginx.Verdict(isTaken: isTaken, conflicts: conflicts)
        guard !isTaken else { return verdict }
        let reason = lines.last { $0.contains("[emerg]") } ?? lines.first ?? "it does not say why"
        verdict.message = String(reason.drop { $0 != "]" }.dropFirst(2))
        // The process's number stands before some: `17457#17457: open() …`.
        if let mark = verdict.message.firstIndex(where: { !$0.isNumber }), verdict.message[mark] == "#" {
            verdict.message = String(verdict.message.drop { $0 != " " }.dropFirst())
        }
        if verdict.message.isEmpty { verdict.message = String(reason) }
        verdict.file = Self.place(in: reason) ?? Self.namer(of: reason, below: prefix)
        return verdict
    }

    /// `conflicting server name "app.example.org" on 0.0.0.0:80, ignored`.
    private var conflicts: [String] {
        lines.filter { $0.contains("conflicting server name \"") }.compactMap { line in
            line.split(separator: "\"", omittingEmptySubsequences: false).dropFirst().first.map(String.init)
        }
    }

    /// `… in /etc/nginx/sites-enabled/shop:12`.
    private static func place(in line: Substring) -> String? {
        guard let start = line.ranges(of: " in /").last?.lowerBound else { return nil }
        let path = line[start...].dropFirst(4)
        guard let colon = path.lastIndex(of: ":"), Int(path[path.index(after: colon)...]) != nil else { return nil }
        return String(path[..<colon])
    }

    /// Of a file that cannot be read nginx tells the name alone: the one that names it is the one to correct.
    private static func namer(of line: Substring, below prefix: FilePath) -> String? {
        let quoted = line.split(separator: "\"", omittingEmptySubsequences: false)
        guard quoted.count > 1, quoted[1].hasPrefix("/") else { return nil }
        return namer(of: String(quoted[1]), in: prefix, depth: 0)
    }

    private static func namer(of path: String, in directory: FilePath, depth: Int) -> String? {
        guard depth < 8 else { return nil }
        for name in directoryNames(directory) {
            let file = directory.appending(name)
            var status = stat()
            guard lstat(file.string, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                if let found = namer(of: path, in: file, depth: depth + 1) { return found }
            } else if stat(file.string, &status) == 0, status.st_size <= 1 << 20,
                ProcessGroup.text(file.string)?.contains(path) == true
            {
                return file.string
            }
        }
        return nil
    }
}
