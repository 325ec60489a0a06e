import GitRepository
import Glibc
import ReleaseModel
import ReleaseStore
import SiteTemplates
import SystemPackage

/// Makes an app's receiver: the repository, and the hooks that make a push a deploy.
struct ReceiverSetup {
    let layout: AppLayout
    let branch: BranchName

    /// Makes it where there is none.
    func make() throws {
        try make(at: layout.repository)
    }

    /// Makes one that is gone, and hooks that are: without them a push would be taken, and deploy nothing.
    ///
    /// - Returns: what was done; nil where nothing was missing.
    func repair() throws -> String? {
        guard access(layout.repository.string, F_OK) == 0 else {
            let made = layout.repository.removingLastComponent().appending(".repo.git.new")
            try ReleaseStore(layout).removeTree(made)
            try make(at: made)
            // All of it before its name, as a release is.
            sync()
            guard rename(made.string, layout.repository.string) == 0 else {
                throw StoreError.system(action: "rename", path: made, code: errno)
            }
            return "the receiver was gone and is made anew; push the branch again"
        }
        let hooks = layout.repository.appending("hooks")
        let missing = SiteTemplates.hookNames.filter { access(hooks.appending($0).string, X_OK) != 0 }
        guard !missing.isEmpty, (try? GitRepository(opening: layout.repository)) != nil else { return nil }
        try installHooks(in: layout.repository)
        return "hooks of the receiver were gone and are made anew: \(missing.joined(separator: ", "))"
    }

    private func make(at path: FilePath) throws {
        try GitRepository.createReceiver(at: path, branch: branch)
        // What nginx's workers, and other users, have no business with.
        chmod(path.string, 0o700)
        try installHooks(in: path)
    }

    private func installHooks(in repository: FilePath) throws {
        let directory = repository.appending("hooks")
        try DurableFile.makeDirectories(directory)
        for hook in SiteTemplates.hookNames {
            try DurableFile.write(SiteTemplates.hook(named: hook), to: directory.appending(hook), mode: 0o755)
        }
    }
}
