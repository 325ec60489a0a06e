import Glibc
import SystemPackage

/// What of the host decides how a build step comes out: the machine, the release of the system, and the programs that
/// builds use or that are named in the step, by name or by an absolute path, each by the file that it is in the end with
/// its size and time of change. Nothing is started for it. A library that changes beside them is not seen; `-o no-cache`
/// is for that.
struct ToolchainStamp {
    /// Programs that builds call; those that the host does not have are left out.
    static let programs = [
        "node", "npm", "npx", "pnpm", "yarn", "corepack", "bun", "deno", "python3", "pip3", "uv", "poetry", "ruby",
        "bundle", "php", "composer", "go", "cargo", "rustc", "swift", "java", "mvn", "gradle", "dotnet", "gcc", "g++",
        "cc", "clang", "make", "cmake", "sh",
    ]

    let text: String

    /// - Parameters:
    ///   - path: where the step looks for programs; parts inside the release come from its inputs.
    ///   - line: the step's command line.
    init(path: String, named line: String = "") {
        var system = utsname()
        uname(&system)
        let machine = withUnsafeBytes(of: system.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let directories = path.split(separator: ":").map(String.init)
        let words = line.split { !($0.isASCII && ($0.isLetter || $0.isNumber) || "._+-".contains($0)) }
        let named = Set(words.map(String.init)).subtracting(Self.programs).subtracting([".", ".."]).sorted()
        let paths = line.split { $0.isWhitespace || "'\"`\\;|&()<>{}$=:,*?".contains($0) }
        let placed = Set(paths.map(String.init)).filter { $0.hasPrefix("/") }.sorted()
        let found =
            (Self.programs + named).compactMap { Self.stamp($0, in: directories) }
            + placed.compactMap { Self.stamp($0, at: $0) }
        text = ([machine, Self.systemRelease] + found).joined(separator: "\n")
    }

    /// `ID` and `VERSION_ID` of os-release(5).
    private static var systemRelease: String {
        let lines = (ReleaseFile.text("/etc/os-release") ?? "").split(separator: "\n")
        return lines.filter { $0.hasPrefix("ID=") || $0.hasPrefix("VERSION_ID=") }.sorted().joined(separator: " ")
    }

    private static func stamp(_ program: String, in directories: [String]) -> String? {
        for directory in directories {
            if let stamp = stamp(program, at: "\(directory)/\(program)") { return stamp }
        }
        return nil
    }

    private static func stamp(_ program: String, at place: String) -> String? {
        guard access(place, X_OK) == 0, let real = realpath(place, nil) else { return nil }
        defer { free(real) }
        var status = stat()
        guard stat(real, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let time = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        return "\(program) \(String(cString: real)) \(status.st_size) \(time)"
    }
}
