import Glibc
import ReleaseStore
import SystemPackage

/// Which releases some process uses: by its working directory, its executable, an open file or a mapping.
struct ReleaseUse {
    private let prefix: String

    init(_ layout: AppLayout) { prefix = layout.releases.string + "/" }

    /// The paths of the used directories right below `releases`. Processes of other users are seen by root alone.
    func paths() -> Set<String> {
        var used: Set<String> = []
        for pid in Self.names(in: "/proc") where Int(pid) != nil {
            for link in ["cwd", "exe", "root"] { add("/proc/\(pid)/\(link)", to: &used) }
            for file in Self.names(in: "/proc/\(pid)/fd") { add("/proc/\(pid)/fd/\(file)", to: &used) }
            addMappings("/proc/\(pid)/maps", to: &used)
        }
        return used
    }

    private func add(_ link: String, to used: inout Set<String>) {
        guard let target = FilePath(link).linkTarget?.string, target.hasPrefix(prefix) else { return }
        insert(target.dropFirst(prefix.count), into: &used)
    }

    /// The path is what stands last in a line of proc_pid_maps(5).
    private func addMappings(_ file: String, to used: inout Set<String>) {
        guard let text = ReleaseFile.text(FilePath(file)), text.contains(prefix) else { return }
        for line in text.split(separator: "\n") {
            if let place = line.firstRange(of: prefix) { insert(line[place.upperBound...], into: &used) }
        }
    }

    private func insert(_ path: Substring, into used: inout Set<String>) {
        used.insert(prefix + path.prefix { $0 != "/" })
    }

    private static func names(in directory: String) -> [String] {
        guard let entries = opendir(directory) else { return [] }
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }
}
