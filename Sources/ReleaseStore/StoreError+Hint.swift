import Glibc
public import ReleaseModel
import SystemPackage

extension StoreError {
    /// A command that helps from here.
    public var hint: String? {
        switch self {
        case .system(_, let path, let code): Self.hint(for: code, at: path)
        case .damaged(let path, _): "ls -l \(path.quoted)"
        case .oddLink(let path, let fault, let suggestion): Self.hint(for: fault, at: path, suggestion)
        case .unknownApp(let app, let known): known.isEmpty ? "pmo-release create \(app)" : "pmo-release apps"
        case .unknownRelease(let app, _, let candidates):
            candidates.isEmpty ? "git push production" : "pmo-release list \(app)"
        case .ambiguousRelease(let app, _, _), .releaseInUse(let app, _, _), .releaseExists(let app, _):
            "pmo-release list \(app)"
        case .missingRelease(let app, let id): "pmo-release deploy \(app) \(id.commit.short)"
        case .noFreePorts: "ss -ltn"
        case .socketPathTooLong: "PMO_HOME=/srv/pmo, or another home with a shorter path"
        case .environmentValue(let app, let key, _): "pmo-release env set \(app) \(key)=VALUE"
        case .locked(let path): "cat \(path.quoted)"
        case .ledger(let path, _, _): hint(forLedger: path)
        case .newerHome, .newerLedger: "pmo-release --version, and install the version that wrote it"
        case .unknownDeploy(let app, _): "pmo-release history \(app)"
        case .stepOutput(_, .missing): "correct `outputs` in pmo-release.yml"
        case .stepOutput(_, .startsInBuild):
            "take inputs and outputs from the step that makes it: it then runs in every deploy, at the final path"
        case .stepOutput: "take it out of `outputs` in pmo-release.yml"
        }
    }

    /// What names something wrong is refused; the rest was tried.
    public var outcome: ErrorOutcome {
        switch self {
        case .system, .ledger, .noFreePorts, .damaged, .locked, .stepOutput: .failed
        default: .refused
        }
    }

    private static func hint(for code: Int32, at path: FilePath) -> String? {
        let directory = path.removingLastComponent()
        return switch code {
        case ENOSPC, EDQUOT: "df -h \(directory.quoted); df -i \(directory.quoted)"
        case EROFS: "findmnt --target \(directory.quoted)"
        case EACCES, EPERM: "ls -ld \(directory.quoted)"
        case EMFILE, ENFILE: "ulimit -n 4096"
        case EIO: "dmesg | tail"
        case EBUSY: "umount \(path.quoted)"
        default: nil
        }
    }

    private static func hint(for fault: LinkFault, at path: FilePath, _ suggestion: ReleaseID?) -> String {
        guard let suggestion else { return "ls -l \(path.removingLastComponent().quoted)" }
        let target = "releases/\(suggestion)"
        if case .notALink = fault {
            return "mv \(path.quoted) \((path.string + ".odd").quoted) && ln -s \(target) \(path.quoted)"
        }
        return "ln -sfn \(target) \(path.quoted)"
    }

    /// Resuming sets a damaged one aside and rebuilds it.
    private func hint(forLedger path: FilePath) -> String {
        guard isDamagedLedger else { return "ls -l \(path.removingLastComponent().quoted)" }
        return "pmo-release resume \(path.removingLastComponent().lastComponent?.string ?? "")"
    }
}

extension FilePath {
    fileprivate var quoted: String { string.quoted }
}

extension String {
    /// As one word of a shell's command line.
    fileprivate var quoted: String {
        let plain = utf8.allSatisfy { byte in
            byte >= 0x80 || "/._-+@%:,=".utf8.contains(byte) || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || UInt8(ascii: "a")...UInt8(ascii: "z") ~= (byte | 0x20)
        }
        guard !plain || isEmpty else { return self }
        return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
