import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

extension Deployment {
    /// Puts links to `shared/` in place of the manifest's shared paths. What the tree has there is the first content
    /// where `shared/` has none yet, so that nothing tracked is lost.
    func linkShared(_ manifest: Manifest, _ partial: FilePath) throws {
        for path in manifest.shared {
            guard let name = path.components.last else { continue }
            let target = host.layout.shared.appending(path.text)
            let parent = try ReleaseFile.descend(path.components.dropLast(), in: partial, making: true)
            defer { try? parent.close() }
            try DurableFile.makeDirectories(target.removingLastComponent())
            if !exists(target) { try adopt(name, of: parent, as: target, path) }
            try clear(path, name, parent, partial)
            guard symlinkat(target.string, parent.rawValue, name) == 0 else {
                throw DeployError.shared(path: path, problem: "cannot be linked: \(Errno(rawValue: errno))")
            }
        }
    }

    /// Moves what the tree has at the path to `shared/`; an empty directory where it has nothing.
    private func adopt(_ name: String, of parent: FileDescriptor, as target: FilePath, _ path: ReleasePath) throws {
        if renameat(parent.rawValue, name, AT_FDCWD, target.string) == 0 { return }
        guard errno == ENOENT else {
            throw DeployError.shared(path: path, problem: "cannot be moved to shared/: \(Errno(rawValue: errno))")
        }
        try DurableFile.makeDirectories(target)
    }

    private func clear(_ path: ReleasePath, _ name: String, _ parent: FileDescriptor, _ partial: FilePath) throws {
        if unlinkat(parent.rawValue, name, 0) == 0 || errno == ENOENT { return }
        try host.store.removeTree(partial.appending(path.text))
    }

    private func exists(_ path: FilePath) -> Bool { access(path.string, F_OK) == 0 }
}
