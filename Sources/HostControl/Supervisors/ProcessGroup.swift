import Glibc

/// A process group, seen through `/proc`.
enum ProcessGroup {
    /// The processes of a group that are no zombies (field 3 and 5 of `/proc/<pid>/stat`, proc(5)).
    static func members(of group: Int32) -> [Int32] { processes { $0.group == group && $0.state != "Z" } }

    /// The processes of a service's instance: those of its leader's group or, where systemd has started it, those of its
    /// unit, which a session of their own does not take out of it (cgroups(7)).
    static func members(ofInstance leader: Int32) -> [Int32] {
        guard let unit = unit(of: leader) else { return members(of: leader) }
        return allPids().filter { self.unit(of: $0) == unit }
    }

    /// The line of `/proc/<pid>/cgroup` that names an instance's unit; nil where the process is in none.
    private static func unit(of pid: Int32) -> Substring? {
        text("/proc/\(pid)/cgroup")?.split(separator: "\n").first { line in
            guard let name = line.split(separator: "/").last else { return false }
            return name.hasPrefix("pmo-") && name.contains("@") && name.hasSuffix(".service")
        }
    }

    /// The processes that a process has started and that are no zombies (field 4).
    static func children(of parent: Int32) -> [Int32] { processes { $0.parent == parent && $0.state != "Z" } }

    static func isEmpty(_ group: Int32) -> Bool { members(of: group).isEmpty }

    /// Whether a process runs, and is no zombie.
    static func isAlive(_ pid: Int32) -> Bool { fields(of: pid).map { $0[0] != "Z" } ?? false }

    /// For how long it runs (field 22, in clock ticks since boot).
    static func seconds(of pid: Int32) -> Int {
        guard let fields = fields(of: pid), fields.count > 19, let started = Double(fields[19]),
            let uptime = text("/proc/uptime")?.split(separator: " ").first.flatMap({ Double($0) })
        else { return 0 }
        return max(0, Int(uptime - started / Double(sysconf(Int32(_SC_CLK_TCK)))))
    }

    /// Which process of a program holds a lock of flock(2) on a file (`/proc/locks`, proc(5)); nil where none does, or it
    /// cannot be told.
    static func holder(ofLock path: String, program: String) -> Int32? {
        var status = stat()
        guard stat(path, &status) == 0, let locks = text("/proc/locks") else { return nil }
        for line in locks.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 5, words[1] == "FLOCK", words[5].hasSuffix(":\(status.st_ino)") else { continue }
            // Of another file system's file of that number, too.
            guard let pid = Int32(words[4]), bytes("/proc/\(pid)/cmdline")?.starts(with: program.utf8) == true else {
                continue
            }
            return pid
        }
        return nil
    }

    /// What stands behind the name in `/proc/<pid>/stat`: from field 3, the state, on.
    private static func fields(of pid: Int32) -> [Substring]? {
        guard let text = text("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: close)...].split(separator: " ")
    }

    struct Process {
        let pid: Int32
        let state: Substring
        let parent: Int32
        let group: Int32
    }

    static func processes(where condition: (Process) -> Bool) -> [Int32] {
        allPids().filter { pid in
            guard let fields = fields(of: pid), fields.count > 2,
                let parent = Int32(fields[1]), let group = Int32(fields[2])
            else { return false }
            return condition(Process(pid: pid, state: fields[0], parent: parent, group: group))
        }
    }

    static func allPids() -> [Int32] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var pids: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let pid = Int32(name) { pids.append(pid) }
        }
        return pids
    }

    /// The text of a small file; nil where it cannot be read.
    static func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

    static func bytes(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &buffer, buffer.count)
            guard count > 0 else { return count == 0 ? result : nil }
            result.append(contentsOf: buffer[..<count])
        }
    }
}
