import Glibc
public import ReleaseModel
import SystemPackage

extension ReleaseStore {
    /// The live release; nil where nothing is live yet.
    ///
    /// - Throws: `oddLink` where `current` is no link to a complete release (F40); nothing is touched.
    public func current() throws(StoreError) -> ReleaseID? { try release(linkedAt: app.current) }

    /// The release that was live before; nil where there is none.
    ///
    /// After a switch that was cut short it may be the live one.
    ///
    /// - Throws: `oddLink` where `previous` is no link to a complete release.
    public func previous() throws(StoreError) -> ReleaseID? { try release(linkedAt: app.previous) }

    private func release(linkedAt path: FilePath) throws(StoreError) -> ReleaseID? {
        guard let target = try target(of: path) else { return nil }
        if let fault = try fault(of: path, target: target) { throw odd(path, fault) }
        return named(by: target)
    }

    /// The release that a link names, complete or not; nil where it names none, or is none.
    func named(at path: FilePath) throws(StoreError) -> ReleaseID? {
        try target(of: path).flatMap(named(by:))
    }

    /// A link's text; nil where there is nothing, `oddLink` where there is something else.
    private func target(of path: FilePath) throws(StoreError) -> String? {
        guard let status = path.status(following: false) else {
            // Nothing there is not the same as nothing to be seen.
            let root = try Directory(opening: app.root)
            _ = try root.status(of: path.lastName ?? ".")
            return nil
        }
        guard status.isLink else { throw odd(path, .notALink(isDirectory: status.isDirectory)) }
        let root = try Directory(opening: app.root)
        return try root.linkTarget(path.lastComponent?.string ?? "")
    }

    /// A hand may have written it otherwise than we do: `./releases/<id>/`, or absolute.
    func named(by target: String) -> ReleaseID? {
        let path = app.root.pushing(FilePath(target)).lexicallyNormalized()
        guard path.removingLastComponent() == app.releases, let name = path.lastComponent?.string else { return nil }
        return ReleaseID(directoryName: name)
    }

    private func fault(of path: FilePath, target: String) throws(StoreError) -> LinkFault? {
        var status = stat()
        do throws(StoreError) {
            try checked("follow", path) { path.withPlatformString { stat($0, &status) } }
        } catch .system(_, _, ELOOP) {
            return .looped
        } catch .system(_, _, ENOENT) {
            return .dangling(target: target)
        } catch .system(_, _, ENOTDIR) {
            return .dangling(target: target)
        }
        guard let id = named(by: target) else { return .elsewhere(target: target) }
        if app.release(id).root.isRealDirectory { return isComplete(id) ? nil : .incomplete(target: target) }
        return .elsewhere(target: target)
    }

    /// The error with the release that would most likely be right: the newest that served well.
    private func odd(_ path: FilePath, _ fault: LinkFault) -> StoreError {
        let isPrevious = path == app.previous
        let current = isPrevious ? try? self.current() : nil
        let newest = ((try? newestFirst()) ?? []).filter { $0 != current }
        func isWell(_ id: ReleaseID) -> Bool { served(id) && bad(id) == nil }
        // What has a slot that is not kept warm was live.
        let slots = SlotStore(app)
        let live = slots.occupied().first {
            (slots.warmUntil($0, $1) == nil) != isPrevious && newest.contains($2) && isWell($2)
        }
        let well = live?.release ?? newest.first(where: isWell)
        return .oddLink(path: path, fault: fault, suggestion: well ?? newest.first { bad($0) == nil })
    }
}
