/// What is kept of a build step; `step.json` of its entry.
public struct StepRecord: Codable, Sendable, Equatable {
    /// What the outputs depend on, hashed: 40 hexadecimal digits.
    public var key: String
    /// What the outputs are, hashed: a step that runs again may make something else.
    public var content: String
    /// The step's command line.
    public var command: String
    /// The outputs, relative to the release.
    public var outputs: [String]
    /// How many files, links and directories they are.
    public var entries: Int
    /// How many bytes their files have.
    public var bytes: Int
    /// When the step ran, in seconds since 1970.
    public var created: Double
    /// When they were last brought into a release, in seconds since 1970.
    public var used: Double

    /// What it counts for in the budget: its bytes, and for each entry a block and an inode, 4 KiB.
    var weight: Int { Self.weight(bytes: bytes, entries: entries) }

    static func weight(bytes: Int, entries: Int) -> Int { bytes + entries << 12 }
}
