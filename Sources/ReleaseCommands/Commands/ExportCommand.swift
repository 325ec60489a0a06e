import ArgumentParser
import GitRepository
import ReleaseModel
import SystemPackage

/// The export of a deploy by itself, for a measurement or to look at what a release would hold.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes a commit's tree as a deploy would.", shouldDisplay: false)
    @Argument(help: "The commit, or the first digits of its id.") var commit: String
    @Argument(help: "An empty directory.") var directory: String
    @Option(help: "The repository: a receiver, or a .git.") var repository = "."
    @Option(help: "What becomes of a submodule: refuse or empty.") var submodules = "refuse"

    func run() throws {
        let source = try GitRepository(opening: FilePath(repository))
        let commit = try source.resolve(CommitPrefix(commit))
        let target = try FileDescriptor.open(FilePath(directory), .readOnly, options: [.directory, .closeOnExec])
        defer { try? target.close() }
        let policy = TreePolicy(submodules: try SubmoduleRule(submodules))
        let tree = try source.export(commit, into: target, policy: policy) { _ in }
        Output.line("\(tree.files) files, \(tree.symlinks) symlinks, \(tree.bytes) bytes")
    }
}
