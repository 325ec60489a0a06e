import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// git as `receive-pack` finds it where a key pushes: the real one, which unpacks what a stranger made, within the
/// limits of the app. The ssh shell leads to it by `GIT_EXEC_PATH`; hooks and deploys are not limited.
struct LimitedGit {
    let arguments: [String]

    /// - Returns: the exit status.
    func run() -> Int32 {
        do {
            let limits = Self.limits()
            let command = Command(
                executable: try HostPrograms.find("git"), arguments: arguments, environment: Self.environment())
            let ended = try LimitedProcess.run(
                command,
                limits: ResourceLimits(
                    memory: limits.memory.bytes, processorTime: max(1, Int(limits.time.seconds)),
                    fileSize: ReceiveLimits.fileSize))
            if ended.status != 0, let excess = PushExcess(ended, limits) { Output.error(excess) }
            return ended.status
        } catch {
            Output.progress("pmo-release: error: \(Reason(error).sentence)")
            return 1
        }
    }

    /// Those of the app whose receiver git works in.
    private static func limits() -> ReceiveLimits {
        let app = HomeOptions.workingDirectory.removingLastComponent().appending("settings.json")
        return (try? AppSettings.load(from: app))?.receive ?? ReceiveLimits()
    }

    /// What git has set for its child, such as the quarantine, without the way that leads here.
    private static func environment() -> [String: String] {
        let bytes = (try? DurableFile.read("/proc/self/environ")).flatMap { $0 } ?? []
        var result: [String: String] = [:]
        for pair in bytes.split(separator: 0) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 {
                result[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
            }
        }
        result["GIT_EXEC_PATH"] = nil
        result["PATH"] = HostPrograms.path
        return result
    }
}

/// What a push has too much of; pure.
enum PushExcess: HintedError, Equatable {
    case memory(ReceiveLimits)
    case time(ReceiveLimits)
    case file
    case size

    /// - Returns: nil where the end has another cause, such as a broken pack, which git has told in its own words.
    init?(_ ended: LimitedProcess.End, _ limits: ReceiveLimits) {
        let said = ended.tail.lowercased()
        switch ended.status {
        case 128 + SIGXCPU, 128 + SIGKILL: self = .time(limits)
        case 128 + SIGXFSZ: self = .file
        // git dies with 128 and a sentence; what allocated may have been zlib or a thread.
        case _ where said.contains("exceeds maximum allowed size"): self = .size
        case _ where said.contains("file too large"): self = .file
        case _
        where said.contains("out of memory") || said.contains("cannot allocate memory")
            || said.contains("unable to create thread"):
            self = .memory(limits)
        default: return nil
        }
    }

    var description: String {
        switch self {
        case .memory(let limits): "this push takes more than \(limits.memory) of memory to unpack"
        case .time(let limits): "this push takes more than \(limits.time) of processor time to unpack"
        case .file: "this push holds a file of more than \(ReceiveLimits.fileSize >> 30) GiB"
        case .size: "this push is larger than the receiver takes"
        }
    }
    var hint: String? {
        switch self {
        case .memory: "take large files out of the history; or, on the host: pmo-release settings --receive-memory 2G"
        case .time: "or, on the host: pmo-release settings --receive-time 10m"
        case .file: "take it out of the history"
        case .size: "take large files out of the history; or, on the host: git config receive.maxInputSize"
        }
    }
    var outcome: ErrorOutcome { .refused }
}
