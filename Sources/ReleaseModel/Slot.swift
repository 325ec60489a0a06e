/// One of the three sets of loopback ports or sockets that a service has: live, warm, candidate in turn.
public struct SlotNumber: Hashable, Comparable, Codable, Sendable, CustomStringConvertible, CaseIterable {
    /// 1, 2 or 3.
    public let number: Int
    /// All three, in order.
    public static let allCases = [SlotNumber(unchecked: 1), SlotNumber(unchecked: 2), SlotNumber(unchecked: 3)]

    private init(unchecked number: Int) { self.number = number }
    /// The slot of that number; nil for others than 1, 2 and 3.
    public init?(_ number: Int) {
        guard (1...3).contains(number) else { return nil }
        self.number = number
    }
    /// The number.
    public var description: String { String(number) }
    /// By number.
    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
    /// Reads the number.
    public init(from decoder: any Decoder) throws {
        let number = try decoder.singleValueContainer().decode(Int.self)
        guard let slot = SlotNumber(number) else { throw InvalidValue("slot", String(number), "must be 1, 2 or 3") }
        self = slot
    }
    /// Writes the number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}

/// Where an instance of a service listens. Sockets are absolute paths of at most 107 bytes (`sun_path`, unix(7)).
public enum Endpoint: Hashable, Sendable, Codable {
    /// A TCP port on 127.0.0.1.
    case port(Int)
    /// A unix socket.
    case socket(String)

    /// What nginx's `server` directive and people read: `127.0.0.1:20001` or `unix:/path`.
    public var address: String {
        switch self {
        case .port(let port): "127.0.0.1:\(port)"
        case .socket(let path): "unix:\(path)"
        }
    }
}
