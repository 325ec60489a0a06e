/// What a deploy's steps may use of a host whose systemd can hold them to it.
public struct BuildLimits: Codable, Sendable, Equatable {
    /// Memory; three quarters of the host's unless told.
    public var memory: ByteSize?
    /// Processes and threads; 2,048 unless told.
    public var tasks: Int

    /// Limits.
    public init(memory: ByteSize? = nil, tasks: Int = 2048) {
        self.memory = memory
        self.tasks = tasks
    }
}
