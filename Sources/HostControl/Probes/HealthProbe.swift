public import ReleaseModel

/// What an instance answered.
public enum HealthAnswer: Sendable {
    /// It answered: the status, the first 64 KiB of the body, and how long it took.
    case answered(status: Int, body: [UInt8], time: Duration)
    /// It did not, and why.
    case refused(String)
}

/// Asks an instance over HTTP, by curl: one answer within a hard limit, no redirect followed, no proxy.
public struct HealthProbe: Sendable {
    /// How much of a body is kept: 64 KiB.
    public static let bodyLimit = 1 << 16
    let runner: any CommandRunner

    /// A probe.
    public init(runner: any CommandRunner) { self.runner = runner }

    /// The command of one question. The answer's status and time stand behind its body.
    static func command(_ endpoint: Endpoint, path: String, host: String, within limit: Duration) -> Command {
        var arguments = [
            "-q", "-sS", "--noproxy", "*", "--max-time", limit.inSeconds.shown(decimals: 3),
            "-H", "Host: \(host)", "-H", "X-Forwarded-Proto: https", "-A", "pmo-release",
            "-w", "%{stderr}%{http_code} %{time_total}\n",
        ]
        switch endpoint {
        case .port(let port): arguments += ["--", "http://127.0.0.1:\(port)\(path)"]
        case .socket(let socket): arguments += ["--unix-socket", socket, "--", "http://localhost\(path)"]
        }
        return Command(executable: "curl", arguments: arguments)
    }

    /// Asks once.
    public func ask(_ endpoint: Endpoint, path: String, host: String, within limit: Duration) async -> HealthAnswer {
        let begun = ContinuousClock.now
        let limit = max(limit, .milliseconds(50))
        let command = Self.command(endpoint, path: path, host: host, within: limit)
        let result: CommandResult
        do {
            result = try await runner.run(command, within: limit + .seconds(2), outputLimit: Self.bodyLimit)
        } catch {
            return .refused(error.description)
        }
        let report = String(decoding: result.errorOutput, as: UTF8.self)
        let last = report.split(separator: "\n").last?.split(separator: " ") ?? []
        guard result.status == 0, last.count == 2, let status = Int(last[0]), status > 0 else {
            return .refused(Self.problem(result.status, report))
        }
        let seconds = Double(last[1]) ?? (ContinuousClock.now - begun).inSeconds
        return .answered(status: status, body: result.output, time: .seconds(seconds))
    }

    /// curl's exit codes that have a meaning here (curl(1), EXIT CODES).
    private static func problem(_ code: Int32, _ report: String) -> String {
        switch code {
        case 7: "does not listen"
        case 28: "did not answer in time"
        case 52: "closed the connection without an answer"
        case 56: "broke off its answer"
        default: report.split(separator: "\n").first.map(String.init) ?? "did not answer (curl \(code))"
        }
    }
}
