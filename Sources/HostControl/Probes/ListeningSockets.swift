import Glibc

/// Who listens on which TCP port, by `/proc/net/tcp`, `/proc/net/tcp6` and `/proc/<pid>/fd` (proc(5)).
public enum ListeningSockets {
    /// The ports on which processes of an instance listen, in order.
    ///
    /// - Parameter leader: the process that its supervisor has started.
    public static func ports(ofInstance leader: Int32) -> [Int] {
        let listening = table()
        let inodes = Set(ProcessGroup.members(ofInstance: leader).flatMap(inodes))
        return Set(listening.filter { inodes.contains($0.inode) }.map(\.port)).sorted()
    }

    /// Who but an instance takes connections to a port of 127.0.0.1: another process that can be seen, or one of another
    /// user beside a socket of the instance's own (SO_REUSEPORT, or another address of the port). Nil where it is the
    /// instance alone, or another user's that it has started by its own manager (a container's).
    ///
    /// - Parameter leader: the process that its supervisor has started; nil where none runs.
    public static func stranger(onPort port: Int, besides leader: Int32?) -> String? {
        let listening = table().filter { $0.port == port }
        let own = Set(leader.map(ProcessGroup.members(ofInstance:))?.flatMap(inodes) ?? [])
        let others = Set(listening.filter { $0.isLocal && !own.contains($0.inode) }.map(\.inode))
        if let owner = owner(of: others) { return "\(owner.name) (pid \(owner.pid))" }
        if leader == nil { return "one of another user, while its own does not run" }
        let isBeside = !others.isEmpty && listening.contains { own.contains($0.inode) }
        return isBeside ? "one of another user, beside its own" : nil
    }

    /// Whether a process listens on any TCP port.
    static func isListening(_ pid: Int32) -> Bool {
        let inodes = Set(inodes(pid))
        return table().contains { inodes.contains($0.inode) }
    }

    /// A process that listens on a port; nil where there is none or it is not ours to see.
    public static func owner(ofPort port: Int) -> (pid: Int32, name: String)? {
        owner(of: Set(table().filter { $0.port == port }.map(\.inode)))
    }

    private static func owner(of wanted: Set<Int>) -> (pid: Int32, name: String)? {
        guard !wanted.isEmpty else { return nil }
        for pid in ProcessGroup.allPids() where !wanted.isDisjoint(with: inodes(pid)) {
            let name = ProcessGroup.text("/proc/\(pid)/comm")?.split(separator: "\n").first ?? "a process"
            return (pid, String(name))
        }
        return nil
    }

    /// Any address and 127.0.0.1, as IPv4, as IPv6 and as IPv4 in IPv6: what is in memory, in words of the host's order.
    private static let local: Set<Substring> = [
        "00000000", "0100007F", "00000000000000000000000000000000", "0000000000000000FFFF000000000000",
        "0000000000000000FFFF00000100007F",
    ]

    /// The local ports of the TCP sockets in a state, and whether connections to 127.0.0.1 may reach them: 0A is LISTEN,
    /// 01 ESTABLISHED (net/tcp_states.h).
    static func table(state: String = "0A") -> [(port: Int, inode: Int, isLocal: Bool)] {
        ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { path in
            (ProcessGroup.text(path) ?? "").split(separator: "\n").dropFirst().compactMap { line in
                let fields = line.split(separator: " ", omittingEmptySubsequences: true)
                guard fields.count > 9, fields[3] == state, let colon = fields[1].lastIndex(of: ":"),
                    let port = Int(fields[1][fields[1].index(after: colon)...], radix: 16), let inode = Int(fields[9])
                else { return nil }
                return (port, inode, local.contains(fields[1][..<colon]))
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
