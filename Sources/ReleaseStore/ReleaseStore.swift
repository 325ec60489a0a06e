public import ReleaseModel
import SystemPackage

/// The releases of an app: what is on the disk, which is believed over every record. Whoever changes something holds
/// the app's lock (`AppLock`).
public struct ReleaseStore: Sendable {
    /// The app.
    public let app: AppLayout

    /// The releases of an app.
    public init(_ app: AppLayout) { self.app = app }

    /// The complete releases, by commit and build: real directories with `.pmo/release.json`.
    public func releases() throws(StoreError) -> [ReleaseID] {
        try named().filter(isComplete).sorted()
    }

    /// What has the name of a release, complete or not: of a thousand that takes a look at the directory alone.
    public func named() throws(StoreError) -> [ReleaseID] {
        try app.releases.namesInside().compactMap(ReleaseID.init(directoryName:))
    }

    /// The complete releases, the newest first: by the deploy that made them, then by time. One whose information
    /// cannot be read comes last.
    public func newestFirst() throws(StoreError) -> [ReleaseID] {
        var known: [(id: ReleaseID, deploy: Int, created: Double)] = []
        for id in try releases() {
            let information = try? information(id)
            known.append((id, information?.deploy ?? -1, information?.created ?? 0))
        }
        return known.sorted { ($0.deploy, $0.created, $0.id) > ($1.deploy, $1.created, $1.id) }.map(\.id)
    }

    /// Whether the release is on the disk and complete.
    public func isComplete(_ id: ReleaseID) -> Bool { app.release(id).isComplete }

    /// Where a release comes from.
    public func information(_ id: ReleaseID) throws(StoreError) -> ReleaseInformation {
        try require(id)
        return try ReleaseInformation.load(from: app.release(id).information)
    }

    /// The manifest that a release was built by.
    public func manifest(_ id: ReleaseID) throws(StoreError) -> Manifest {
        try require(id)
        return try JSONFile.require(Manifest.self, from: app.release(id).manifest)
    }

    /// The release that a person means: the newest build of the commit, unless the prefix names one.
    ///
    /// - Throws: `unknownRelease` or `ambiguousRelease`, with the candidates.
    public func resolve(_ prefix: CommitPrefix) throws(StoreError) -> ReleaseID {
        let matches = try releases().filter(prefix.matches)
        guard let newest = matches.max() else {
            throw .unknownRelease(app.name, prefix: prefix.description, candidates: try newestFirst())
        }
        guard matches.allSatisfy({ $0.commit == newest.commit }) else {
            throw .ambiguousRelease(
                app.name, prefix: prefix.description, candidates: try newestFirst().filter(prefix.matches))
        }
        return newest
    }

    /// The name for the next build of a commit; never one that something has.
    public func nextID(for commit: CommitID) throws(StoreError) -> ReleaseID {
        let names = try app.releases.namesInside(startingWith: commit.text, ".\(commit.text)")
        let builds = names.compactMap { name -> Int? in
            let isHidden = name.hasPrefix(".") && name.hasSuffix(".removing")
            return ReleaseID(directoryName: isHidden ? String(name.dropFirst().dropLast(".removing".count)) : name)?
                .build
        }
        return ReleaseID(commit: commit, build: (builds.max() ?? 0) + 1)
    }

    func require(_ id: ReleaseID) throws(StoreError) {
        guard isComplete(id) else { throw .missingRelease(app.name, id) }
    }
}
