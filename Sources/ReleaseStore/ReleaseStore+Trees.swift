import ReleaseModel
public import SystemPackage

extension ReleaseStore {
    /// Removes a partial that will not become a release.
    public func discard(partial: FilePath) throws(StoreError) { try TreeRemoval.remove(partial) }

    /// Removes a file or a whole tree, following no link; nothing happens where there is none.
    public func removeTree(_ path: FilePath) throws(StoreError) { try TreeRemoval.remove(path) }
}

extension SlotStore {
    /// An instance directory, whatever occupies its slot.
    public struct KnownInstance: Sendable {
        /// Its name for the supervisor.
        public let unit: String
        /// Its directory.
        public let directory: FilePath
    }

    /// Every instance directory that any release has had.
    public func knownInstances() throws(StoreError) -> [KnownInstance] {
        var result: [KnownInstance] = []
        for service in services() {
            for slot in SlotNumber.allCases {
                let layout = app.slot(service, slot)
                for number in 0..<32 where layout.instance(number).isRealDirectory {
                    result.append(KnownInstance(unit: layout.unitName(number), directory: layout.instance(number)))
                }
            }
        }
        return result
    }
}

extension DurableFile {
    /// Makes a directory and those above it, 0755; one that is there is left as it is.
    public static func makeDirectories(_ path: FilePath) throws(StoreError) { _ = try path.makeDirectories() }
}
