import Glibc
import ReleaseModel
import SystemPackage

/// Chooses ports that no app of the host has and nobody listens on. The host's lock is held meanwhile.
struct PortAllocation {
    /// Below the ephemeral range, in which real clashes were seen.
    static let range = SiteBackend.portRange

    let app: AppLayout

    init(_ app: AppLayout) { self.app = app }

    /// As many ports as asked for, in the order in which they were found.
    ///
    /// The search begins at a place of the app's own, so that apps keep apart even when the notes of one are lost.
    func take(_ count: Int, for service: ServiceName) throws(StoreError) -> [Int] {
        let used = try usedPorts()
        var taken: [Int] = []
        let begin = Self.hash("\(app.root)") % Self.range.count
        for step in 0..<Self.range.count where taken.count < count {
            let port = Self.range.lowerBound + (begin + step) % Self.range.count
            if !used.contains(port), Self.isFree(port) { taken.append(port) }
        }
        guard taken.count == count else { throw .noFreePorts(service, needed: count, range: Self.range) }
        return taken
    }

    /// Every port that a slot of any app on the host has.
    private func usedPorts() throws(StoreError) -> Set<Int> {
        var used: Set<Int> = []
        for name in try app.host.home.namesInside() {
            guard let other = try? AppName(name) else { continue }
            let layout = app.host.app(other)
            for service in SlotStore(layout).services() {
                for slot in SlotNumber.allCases { used.formUnion(try PortsFile.read(layout.slot(service, slot).ports)) }
            }
        }
        return used
    }

    /// Whether 127.0.0.1 can be bound there now.
    static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// FNV-1a of 32 bits: the same on every run, which `Hasher` is not.
    private static func hash(_ text: String) -> Int {
        Int(text.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 })
    }
}
