import ArgumentParser
import Glibc
import ReleaseModel
import SystemPackage

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validate a work tree's manifest without pushing it.")
    @Argument(help: "The work tree.") var directory = "."
    @Option(help: "The manifest's environment whose overrides apply.") var environment: String?
    @Flag(help: "As JSON.") var json = false

    func run() throws {
        guard let tree = WorkTree(directory) else {
            throw SelectionError.nothing("\(directory.shown(limit: 100)) is no directory")
        }
        let manifest: Manifest
        do throws(ManifestError) {
            manifest = try Manifest.read(from: tree, environment: environment)
        } catch {
            throw error.asked
        }
        try refuseUnknownEnvironment(in: tree)
        if json { return try Output.json(manifest) }
        for note in manifest.notes { Output.line(note) }
        for file in manifest.environment.files where tree.contents(file.template.text) == nil {
            throw SelectionError.nothing("the template \(file.template) of \(file.target) is not there")
        }
        for step in manifest.build { Output.line("build      \(step.run.shown(limit: 100))") }
        if let migrate = manifest.migrate { Output.line("migrate    \(migrate.shown(limit: 100))") }
        for service in manifest.services {
            Output.line("service    \(service.name) × \(service.instances): \(service.command.shown(limit: 80))")
        }
        for site in manifest.sites {
            Output.line(
                "site       \(site.domain?.text ?? "(the app's domain)")\(site.root.map { " root \($0)" } ?? "")")
        }
        for key in manifest.environment.required { Output.line("requires   \(key)") }
        Output.line("ok")
    }

    /// A push refuses such a name as well, but for `production`, which is the base where the manifest does not have it.
    private func refuseUnknownEnvironment(in tree: WorkTree) throws {
        guard let environment, let known = try Manifest.environments(in: tree, lacking: environment) else { return }
        throw SelectionError.nothing(
            "there is no environment “\(environment.shown(limit: 40))” in the manifest; "
                + "\(known.count == 1 ? "there is" : "there are"): \(known.joined(separator: ", "))")
    }
}

/// A directory on disk, read as a tree; nothing outside it is read, and no link is followed.
private struct WorkTree: SourceTree {
    let root: String

    init?(_ directory: String) {
        var status = stat()
        guard stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        root = directory
    }

    func exists(_ path: String) -> Bool { access("\(root)/\(path)", F_OK) == 0 }

    func contents(_ path: String) -> [UInt8]? {
        var status = stat()
        let place = "\(root)/\(path)"
        guard lstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            let file = try? FileDescriptor.open(FilePath(place), .readOnly, options: [.noFollow, .closeOnExec])
        else { return nil }
        defer { try? file.close() }
        var buffer = [UInt8](repeating: 0, count: min(Int(status.st_size), 1 << 20))
        let count = (try? buffer.withUnsafeMutableBytes { try file.read(into: $0) }) ?? 0
        return Array(buffer[..<count])
    }

    func rootNames() -> [String] { names(in: ".").sorted() }

    func names(in path: String) -> [String] {
        guard let stream = opendir("\(root)/\(path)") else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != "..", name != ".git" { names.append(name) }
        }
        return names
    }
}
