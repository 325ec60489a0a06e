import Glibc
import ReleaseStore
import SystemPackage

/// Which releases some process uses: by its working directory, its executable, an open file, a mapping or a mount.
struct ReleaseUse {
    private let prefix: String
    /// The same without links on the way, as the kernel tells paths.
    private let real: String
    /// Where the releases are for the file system that they are on, and which one that is.
    private let place: (device: String, root: String)?

    init(_ layout: AppLayout) {
        prefix = layout.releases.string + "/"
        let resolved = realpath(layout.releases.string, nil)
        defer { free(resolved) }
        let releases = resolved.map { FilePath(platformString: $0) } ?? layout.releases
        real = releases.string + "/"
        place = MountTable(of: "self").place(of: releases)
    }

    /// The paths of the used directories right below `releases`. Processes of other users are seen by root alone.
    func paths() -> Set<String> {
        var used: Set<String> = []
        var tables: [FilePath: MountTable] = [:]
        let own = FilePath("/proc/self/ns/mnt").linkTarget
        for pid in Self.names(in: "/proc") where Int(pid) != nil {
            var table: MountTable?
            if let namespace = FilePath("/proc/\(pid)/ns/mnt").linkTarget, namespace != own {
                table = tables[namespace] ?? MountTable(of: pid)
                tables[namespace] = table
                if let place, let table { table.roots(on: place.device).forEach { insert($0, below: place, &used) } }
            }
            for link in ["cwd", "exe", "root"] { add("/proc/\(pid)/\(link)", table, &used) }
            for file in Self.names(in: "/proc/\(pid)/fd") { add("/proc/\(pid)/fd/\(file)", table, &used) }
            addMappings("/proc/\(pid)/maps", table, &used)
        }
        return used
    }

    private func add(_ link: String, _ table: MountTable?, _ used: inout Set<String>) {
        guard let target = FilePath(link).linkTarget?.string else { return }
        add(path: target, table, &used)
    }

    /// - Parameter table: the mounts by which the path is meant, where they are not this process's.
    private func add(path: String, _ table: MountTable?, _ used: inout Set<String>) {
        if path.hasPrefix(real) { insert(path.dropFirst(real.count), &used) }
        guard let place, let table, let found = table.place(of: FilePath(path)), found.device == place.device else {
            return
        }
        insert(found.root, below: place, &used)
    }

    /// The path is what stands last in a line of proc_pid_maps(5).
    private func addMappings(_ file: String, _ table: MountTable?, _ used: inout Set<String>) {
        guard let text = ReleaseFile.text(FilePath(file)), table != nil || text.contains(real) else { return }
        for line in text.split(separator: "\n") {
            if let start = line.firstIndex(of: "/") { add(path: String(line[start...]), table, &used) }
        }
    }

    private func insert(_ root: String, below place: (device: String, root: String), _ used: inout Set<String>) {
        let start = place.root == "/" ? "/" : place.root + "/"
        if root.hasPrefix(start) { insert(root.dropFirst(start.count), &used) }
    }

    private func insert(_ path: Substring, _ used: inout Set<String>) {
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

/// The mounts that a process sees (proc_pid_mountinfo(5)): a bind mount shows a directory by another path.
private struct MountTable {
    private struct Mount {
        let device: String
        /// What of the file system is mounted.
        let root: String
        let point: FilePath
    }

    /// The last comes first: it lies above the others.
    private let mounts: [Mount]

    /// - Parameter pid: a process, or `self`; one that cannot be looked at has none.
    init(of pid: String) {
        let text = ReleaseFile.text(FilePath("/proc/\(pid)/mountinfo")) ?? ""
        mounts = text.split(separator: "\n").reversed().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 4 else { return nil }
            return Mount(
                device: String(fields[2]), root: Self.plain(fields[3]), point: FilePath(Self.plain(fields[4])))
        }
    }

    /// What of a file system is mounted anywhere.
    func roots(on device: String) -> [String] { mounts.filter { $0.device == device }.map(\.root) }

    /// Where a path leads: to which file system, and where in it.
    func place(of path: FilePath) -> (device: String, root: String)? {
        let above = mounts.filter { path.starts(with: $0.point) }
        guard let mount = above.max(by: { $0.point.components.count < $1.point.components.count }) else { return nil }
        var rest = path
        _ = rest.removePrefix(mount.point)
        let root = FilePath(mount.root).appending(rest.string)
        return (mount.device, root.string)
    }

    /// Without the octal escapes for blanks and backslashes.
    private static func plain(_ field: Substring) -> String {
        guard field.contains("\\") else { return String(field) }
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
