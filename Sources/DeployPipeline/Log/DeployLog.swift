import FoundationEssentials
import Glibc
public import ReleaseModel
public import ReleaseStore
import Synchronization
import SystemPackage

/// The log of one deploy: the lines that the pusher sees, and their twin in NDJSON for programs.
///
/// Lines end at column 64, so that with git's `remote: ` in front they fit 72. Text of others (build output,
/// names, subjects) is escaped and indented: it cannot look like a line of ours.
public final class DeployLog: Sendable {
    private let text: FileDescriptor
    private let events: FileDescriptor
    private let writing = Mutex(())

    /// Opens the log of a deploy, appending.
    ///
    /// - Throws: `Errno` when a file cannot be opened.
    public init(_ app: AppLayout, deploy: Int) throws {
        text = try Self.open(app.deployLog(deploy))
        events = try Self.open(app.deployEvents(deploy))
    }

    deinit {
        try? text.close()
        try? events.close()
    }

    private static func open(_ path: FilePath) throws -> FileDescriptor {
        try .open(
            path, .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite, .groupRead])
    }

    /// `-----> pmo: deploying 4f2c9ab (main) by alice        deploy 118`.
    public func headline(_ left: String, right: String) {
        write(LogLine.headline(left, right: right), event: Event(kind: "headline", detail: left))
    }

    /// `-----> Export   809 files, 14.2 MB              0.04 s`.
    public func step(_ phase: Phase, _ detail: String, took: Duration? = nil) {
        write(
            LogLine.step(phase.title, detail, right: took?.shown),
            event: Event(kind: "phase", phase: phase, detail: detail, seconds: took?.inSeconds))
    }

    /// `-----> Build    reused pnpm install                0.2 s`: what a step makes was brought from the last time.
    public func reused(_ step: String, took: Duration) {
        write(
            LogLine.step(Phase.build.title, "reused \(step)", right: took.shown),
            event: Event(kind: "reused", phase: .build, detail: step, seconds: took.inSeconds))
    }

    /// A line below a step; the caller has escaped what is not its own.
    public func output(_ line: String, phase: Phase? = nil, took: Duration? = nil) {
        write(
            LogLine.below(line, right: took?.shown),
            event: Event(kind: "output", phase: phase, detail: line, seconds: took?.inSeconds))
    }

    /// `=====> Live: http://app.example.org/             total 48.1 s`.
    public func live(_ url: String?, total: Duration) {
        write(
            LogLine.live(url.map { "Live: \($0)" } ?? "Live", right: "total \(total.shown)"),
            event: Event(kind: "live", detail: url ?? "", seconds: total.inSeconds))
    }

    /// ` !     Failed in check: …`.
    public func failure(_ message: String) {
        write(LogLine.failure(message), event: Event(kind: "failed", detail: message))
    }

    /// Marks the log as told to its end, by taking the permission to write away: the end of the deploy stands in the
    /// ledger before its last lines are written, and a follower waits for those.
    public func finish() { _ = fchmod(text.rawValue, 0o440) }

    /// Adds a line to a log that was told to its end.
    public static func add(_ line: String, to app: AppLayout, deploy: Int) throws {
        let path = app.deployLog(deploy).string
        guard chmod(path, 0o640) == 0 else { throw Errno(rawValue: errno) }
        let log = try DeployLog(app, deploy: deploy)
        log.output(line.shown(limit: 400), phase: .bake)
        log.finish()
    }

    /// Whether a deploy's log is told to its end.
    public static func isFinished(_ app: AppLayout, deploy: Int) -> Bool {
        var status = stat()
        return stat(app.deployLog(deploy).string, &status) == 0 && status.st_mode & 0o200 == 0
    }

    private func write(_ line: String, event: Event) {
        writing.withLock { _ in
            _ = try? text.writeAll((line + "\n").utf8)
            if var json = try? JSONEncoder().encode(event) {
                json.append(UInt8(ascii: "\n"))
                _ = try? events.writeAll(json)
            }
        }
    }

    private struct Event: Encodable {
        var time = currentTime()
        var kind: String
        var phase: Phase?
        var detail: String
        var seconds: Double?
    }
}
