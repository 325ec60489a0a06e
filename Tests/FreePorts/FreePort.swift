import Glibc
import Synchronization

/// Ports of 127.0.0.1 for what a test starts, of a range of their own: no app is given one of them, and the system does
/// not choose them for the other end of a connection. No two askers of a process get the same one.
public enum FreePort {
    /// Above what is registered for well-known servers and below the ports of services, which begin at 20,000.
    private static let range = 10_001...19_999
    /// Where the next one is looked for; each process begins somewhere else.
    private static let count = Atomic<Int>(Int(getpid()) * 37)

    /// No port of the range can be listened on.
    public struct NotFound: Error {}

    /// A port that nothing listened on a moment ago.
    ///
    /// - Throws: `NotFound` when each of the range is taken.
    public static func next() throws -> Int {
        for _ in range {
            let port = range.lowerBound + count.wrappingAdd(1, ordering: .relaxed).newValue % range.count
            if isFree(UInt16(port)) { return port }
        }
        throw NotFound()
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard handle >= 0 else { return false }
        defer { close(handle) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        // Its address stays 0, which is any: a server of another test may listen on all of them.
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
