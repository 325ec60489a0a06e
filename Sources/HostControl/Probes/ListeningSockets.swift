import Glibc

/// Who listens on which TCP port, by `/proc/net/tcp`, `/proc/net/tcp6` and `/proc/<pid>/fd` (proc(5)).
public enum ListeningSockets {
    /// The ports on which processes of a group listen, in order.
    public static func ports(ofProcessGroup group: Int32) -> [Int] {
        let listening = table()
        let inodes = Set(ProcessGroup.members(of: group).flatMap(inodes))
        return Set(listening.filter { inodes.contains($0.inode) }.map(\.port)).sorted()
    }

    /// Whether a process listens on any TCP port.
    static func isListening(_ pid: Int32) -> Bool {
        let inodes = Set(inodes(pid))
        return table().contains { inodes.contains($0.inode) }
    }

    /// A process that listens on a port; nil where there is none or it is not ours to see.
    public static func owner(ofPort port: Int) -> (pid: Int32, name: String)? {
        let wanted = Set(table().filter { $0.port == port }.map(\.inode))
        guard !wanted.isEmpty else { return nil }
        for pid in ProcessGroup.allPids() where !wanted.isDisjoint(with: inodes(pid)) {
            let name = ProcessGroup.text("/proc/\(pid)/comm")?.split(separator: "\n").first ?? "a process"
            return (pid, String(name))
        }
        return nil
    }

    /// The local ports of the TCP sockets in a state: 0A is LISTEN, 01 ESTABLISHED (net/tcp_states.h).
    static func table(state: String = "0A") -> [(port: Int, inode: Int)] {
        ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { path in
            (ProcessGroup.text(path) ?? "").split(separator: "\n").dropFirst().compactMap { line in
                let fields = line.split(separator: " ", omittingEmptySubsequences: true)
                guard fields.count > 9, fields[3] == state, let colon = fields[1].lastIndex(of: ":"),
                    let port = Int(fields[1][fields[1].index(after: colon)...], radix: 16), let inode = Int(fields[9])
                else { return nil }
                return (port, inode)
            }
        }
    }

    static func inodes(_ pid: Int32) -> [Int] {
        guard let directory = opendir("/proc/\(pid)/fd") else { return [] }
        defer { closedir(directory) }
        var result: [Int] = []
        var buffer = [UInt8](repeating: 0, count: 64)
        while let entry = readdir(directory) {
            let count = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    buffer.withUnsafeMutableBytes { buffer in
                        buffer.baseAddress.map { readlinkat(dirfd(directory), name, $0, buffer.count) } ?? 0
                    }
                }
            }
            guard count > 9 else { continue }
            let target = String(decoding: buffer[..<count], as: UTF8.self)
            if target.hasPrefix("socket:["), let inode = Int(target.dropFirst(8).dropLast()) { result.append(inode) }
        }
        return result
    }
}
