import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

extension Deployment {
    /// Puts links to `shared/` in place of the manifest's shared paths. What the tree has there is the first content
    /// where `shared/` has none yet, so that nothing tracked is lost.
    func linkShared(_ manifest: Manifest, _ partial: FilePath) throws {
        try DurableFile.makeDirectories(host.layout.shared)
        for path in manifest.shared {
            guard let name = path.components.last else { continue }
            let target = host.layout.shared.appending(path.text)
            let parent = try ReleaseFile.descend(path.components.dropLast(), in: partial, making: true)
            defer { try? parent.close() }
            if access(target.string, F_OK) != 0 { try adopt(name, of: parent, path) }
            try clear(path, name, parent, partial)
            guard symlinkat(target.string, parent.rawValue, name) == 0 else {
                throw DeployError.shared(path: path, problem: "cannot be linked: \(Errno(rawValue: errno))")
            }
        }
    }

    /// Moves what the tree has at the path to `shared/`; an empty directory where it has nothing. Services may put what
    /// they like into `shared/`, and this runs outside their sandbox: no link is followed there.
    private func adopt(_ name: String, of parent: FileDescriptor, _ path: ReleasePath) throws {
        let target: FileDescriptor
        do {
            target = try ReleaseFile.descend(path.components.dropLast(), in: sharedPlace(), making: true)
        } catch {
            throw DeployError.shared(path: path, problem: "has a link or a file in its way in shared/: \(error)")
        }
        defer { try? target.close() }
        var status = stat()
        // A link that leads nowhere, to a disk that is not mounted say, is somebody's.
        if fstatat(target.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return }
        if renameat(parent.rawValue, name, target.rawValue, name) != 0 {
            guard errno == ENOENT, mkdirat(target.rawValue, name, 0o755) == 0 else {
                throw DeployError.shared(path: path, problem: "cannot be moved to shared/: \(Errno(rawValue: errno))")
            }
        }
        guard fsync(target.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }

    /// `shared/` itself may be a link to another disk: nobody but the host's people can make it one.
    private func sharedPlace() throws -> FilePath {
        guard let real = realpath(host.layout.shared.string, nil) else { throw Errno(rawValue: errno) }
        defer { free(real) }
        return FilePath(String(cString: real))
    }

    private func clear(_ path: ReleasePath, _ name: String, _ parent: FileDescriptor, _ partial: FilePath) throws {
        if unlinkat(parent.rawValue, name, 0) == 0 || errno == ENOENT { return }
        try host.store.removeTree(partial.appending(path.text))
    }
}
