public import ReleaseModel

/// What each of git's processes may use that unpack a push of a key.
public struct ReceiveLimits: Codable, Sendable, Equatable {
    /// The largest file that one may write, in bytes: the largest that a tree may hold.
    public static let fileSize = 4 << 30

    /// Memory; 512 MiB unless told.
    public var memory: ByteSize
    /// Processor time; a minute unless told.
    public var time: TimeLimit

    /// Limits.
    public init(memory: ByteSize = ByteSize(mebibytes: 512), time: TimeLimit = TimeLimit(seconds: 60)) {
        self.memory = memory
        self.time = time
    }
}
