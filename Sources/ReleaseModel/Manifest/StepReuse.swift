/// What a build step reads and makes. Where nothing that it reads has changed, what it made before is brought back in
/// place of running it.
public struct StepReuse: Codable, Sendable, Equatable {
    /// How much the kept outputs of an app may take unless its manifest says otherwise: 2 GiB.
    public static let budget = 2 << 30

    /// What it reads: paths of the tree, rendered files, and outputs of steps before it; never empty.
    public var inputs: [PathPattern]
    /// What it makes; never empty.
    public var outputs: [PathPattern]
    /// The environment keys that it gets beside the build's own; with their values a part of what decides.
    public var environment: [EnvironmentKey]

    /// What a step reads and makes.
    public init(inputs: [PathPattern], outputs: [PathPattern], environment: [EnvironmentKey] = []) {
        self.inputs = inputs
        self.outputs = outputs
        self.environment = environment
    }
}

extension Manifest {
    /// How many bytes the kept outputs of build steps may take.
    public var cacheBudget: Int { cache?.bytes ?? StepReuse.budget }
}
