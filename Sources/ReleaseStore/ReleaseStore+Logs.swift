public import ReleaseModel
import SystemPackage

extension ReleaseStore {
    /// The logs of so many deploys stay, and those of the releases on the disk.
    public static let keptLogs = 100

    /// The deploys whose logs may go, the oldest first: they are neither among the newest nor those of a release.
    ///
    /// - Parameter releases: those that there are.
    public func oldLogs(beside releases: ReleaseLook) throws(StoreError) -> [Int] {
        let numbers = try app.deployLogs.namesInside().compactMap { name in
            name.hasSuffix(".log") ? Int(name.dropLast(".log".count)) : nil
        }
        let old = numbers.sorted().dropLast(Self.keptLogs)
        let ofReleases = Set(releases.numbers.values)
        return old.filter { !ofReleases.contains($0) }
    }

    /// Removes the logs of a deploy; the one by which they are found goes last.
    public func removeLogs(of deploy: Int) throws(StoreError) {
        try DurableFile.remove(app.deployEvents(deploy))
        try DurableFile.remove(app.deployLog(deploy))
    }
}
