import FailPoints
public import ReleaseModel
import SystemPackage

/// What a deploy is about to do, on the disk beside the ledger: `deploys/<number>.json`, written before each phase
/// acts and removed once the deploy's end is recorded. So one that is there belongs to a deploy that was cut short, and
/// its row can be written again where the ledger was lost.
public struct DeployIntent: Codable, Sendable, Equatable {
    /// The deploy, as it was recorded when it began.
    public var deploy: Deploy
    /// The phase that is about to act.
    public var phase: Phase
    /// The release that it makes.
    public var release: ReleaseID
    /// The release that was live when the switch began.
    public var from: ReleaseID?

    /// The intent of a deploy.
    public init(deploy: Deploy, phase: Phase, release: ReleaseID, from: ReleaseID? = nil) {
        self.deploy = deploy
        self.phase = phase
        self.release = release
        self.from = from
    }
}

/// The intents of an app. Whoever writes one holds the app's lock.
public struct IntentStore: Sendable {
    /// The app.
    public let app: AppLayout

    /// The intents of an app.
    public init(_ app: AppLayout) { self.app = app }

    /// Writes an intent, whole or not at all.
    ///
    /// - Parameter durable: whether to wait for the disk; what a kill leaves is there in either case.
    public func save(_ intent: DeployIntent, durable: Bool) throws(StoreError) {
        try FailPoint.phaseBeforeIntent.pass("write", path(intent.deploy.number))
        try app.intents.makeDirectories()
        let path = path(intent.deploy.number)
        let directory = try Directory(opening: app.intents)
        try directory.write(
            JSONFile.bytes(intent, for: path), to: path.lastComponent?.string ?? "", mode: 0o644, durable: durable)
        try FailPoint.phaseAfterIntent.pass("write", path)
    }

    /// The numbers of the deploys that have one, in order.
    public func numbers() throws(StoreError) -> [Int] {
        try app.intents.namesInside().compactMap { name in
            name.hasSuffix(".json") ? Int(name.dropLast(".json".count)) : nil
        }.sorted()
    }

    /// The intent of a deploy; nil where there is none, or where a power cut has left no more than its name.
    public func intent(_ number: Int) -> DeployIntent? {
        (try? JSONFile.read(DeployIntent.self, from: path(number))).flatMap { $0 }
    }

    /// Removes the intent of a deploy; nothing happens where there is none.
    public func remove(_ number: Int) throws(StoreError) { try DurableFile.remove(path(number)) }

    private func path(_ number: Int) -> FilePath { app.intents.appending("\(number).json") }
}
