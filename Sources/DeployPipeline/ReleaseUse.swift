import Glibc
import ReleaseStore
import SystemPackage

/// Which releases some process uses: by its working directory, its executable, an open file, a mapping or a mount.
struct ReleaseUse {
    private let prefix: String
    /// The same without links on the way, as the kernel tells paths.
    private let real: String
    /// Which file system the releases are on, and what their paths there begin with.
    private let place: (device: String, start: String)?

    init(_ layout: AppLayout) {
        prefix = layout.releases.string + "/"
        let resolved = realpath(layout.releases.string, nil)
        defer { free(resolved) }
        let releases = resolved.map { FilePath(platformString: $0) } ?? layout.releases
        real = releases.string + "/"
        place = Mount.all(of: "self").filter { releases.starts(with: $0.point) }
            .max { $0.point.components.count < $1.point.components.count }
            .map { mount in
                var rest = releases
                _ = rest.removePrefix(mount.point)
                return (mount.device, FilePath(mount.root).appending(rest.string).string + "/")
            }
    }

    /// The paths of the used directories right below `releases`. Processes of other users are seen by root alone.
    func paths() -> Set<String> {
        var used: Set<String> = []
        var namespaces: [FilePath: [String]] = [:]
        let own = FilePath("/proc/self/ns/mnt").linkTarget
        for pid in Self.names(in: "/proc") where Int(pid) != nil {
            var starts = [real]
            if let namespace = FilePath("/proc/\(pid)/ns/mnt").linkTarget, namespace != own {
                let others = namespaces[namespace] ?? otherStarts(of: pid, &used)
                namespaces[namespace] = others
                starts += others
            }
            for link in ["cwd", "exe", "root"] { add("/proc/\(pid)/\(link)", starts, &used) }
            for file in Self.names(in: "/proc/\(pid)/fd") { add("/proc/\(pid)/fd/\(file)", starts, &used) }
            addMappings("/proc/\(pid)/maps", starts, &used)
        }
        return used
    }

    /// What the releases' paths begin with, too, by the mounts of a process; a mount of a release uses it.
    private func otherStarts(of pid: String, _ used: inout Set<String>) -> [String] {
        guard let place else { return [] }
        var starts: Set<String> = []
        for mount in Mount.all(of: pid) where mount.device == place.device {
            let root = mount.root == "/" ? "/" : mount.root + "/"
            if place.start.hasPrefix(root) {
                starts.insert(mount.point.appending(String(place.start.dropFirst(root.count))).string + "/")
            } else if root.hasPrefix(place.start) {
                insert(root.dropFirst(place.start.count), &used)
            }
        }
        // Most mounts of most namespaces are where they are here.
        starts.remove(real)
        return starts.sorted()
    }

    private func add(_ link: String, _ starts: [String], _ used: inout Set<String>) {
        guard let target = FilePath(link).linkTarget?.string else { return }
        for start in starts where target.hasPrefix(start) { insert(target.dropFirst(start.count), &used) }
    }

    /// The path is what stands last in a line of proc_pid_maps(5).
    private func addMappings(_ file: String, _ starts: [String], _ used: inout Set<String>) {
        guard let text = ReleaseFile.text(FilePath(file)) else { return }
        for start in starts where text.contains(start) {
            for line in text.split(separator: "\n") {
                if let place = line.firstRange(of: start) { insert(line[place.upperBound...], &used) }
            }
        }
    }

    private func insert(_ path: Substring, _ used: inout Set<String>) {
        let name = path.prefix { $0 != "/" }
        if !name.isEmpty { used.insert(prefix + name) }
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
