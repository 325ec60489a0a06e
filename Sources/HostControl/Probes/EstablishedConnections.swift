import Glibc

/// The connections that an instance has accepted and still holds, by `/proc/net` and `/proc/<pid>/fd` (proc(5)).
/// Those that it has opened itself, to a database say, are not among them.
struct EstablishedConnections {
    private let ports: Set<Int>

    /// - Parameter leader: of one that still listens: afterwards its connections cannot be told from those that it opened.
    init(listeners leader: Int32) { ports = Set(ListeningSockets.ports(ofInstance: leader)) }

    /// How many the instance holds now.
    func count(in leader: Int32) -> Int {
        let held = Set(ProcessGroup.members(ofInstance: leader).flatMap(ListeningSockets.inodes))
        guard !held.isEmpty else { return 0 }
        let tcp = ListeningSockets.table(state: "01").filter { ports.contains($0.port) }.map(\.inode)
        return (tcp + Self.acceptedOnPaths()).count(where: held.contains)
    }

    /// Connected unix sockets with a path: those that were accepted have their listener's, those that connected have
    /// none. Columns of `/proc/net/unix`: Num RefCount Protocol Flags Type St Inode Path; St 03 is connected.
    private static func acceptedOnPaths() -> [Int] {
        (ProcessGroup.text("/proc/net/unix") ?? "").split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            return fields.count > 7 && fields[5] == "03" ? Int(fields[6]) : nil
        }
    }
}
