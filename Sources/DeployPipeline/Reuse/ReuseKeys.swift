import GitRepository
import ReleaseModel
import ReleaseStore
import SystemPackage

/// What decides over reuse in one deploy: a key for each build step that says what it reads and makes, and one for
/// each service that is restarted only when something changed. The same key stands for the same work.
struct ReuseKeys {
    private let plan: DeployPlan
    private let deploy: Deploy
    private let app: AppLayout
    private let tree: CommitTree
    private let partial: FilePath
    /// The steps that are done or were brought in, each with its key; nil for one that always runs.
    private var steps: [(step: BuildStep, key: String?)] = []

    /// Reads the commit's tree, the rendered files and the host's tools.
    ///
    /// - Parameter partial: the release, exported and configured.
    init(_ plan: DeployPlan, _ deploy: Deploy, _ app: AppLayout, partial: FilePath) throws {
        tree = try GitRepository(opening: app.repository).tree(of: deploy.commit)
        (self.plan, self.deploy, self.app, self.partial) = (plan, deploy, app, partial)
    }

    /// The keys of the steps so far.
    var used: Set<String> { Set(steps.compactMap(\.key)) }

    /// A step is done.
    ///
    /// - Parameter key: what it has made is that which the key stands for; nil where no key tells what it has done.
    mutating func append(_ step: BuildStep, _ key: String?) { steps.append((step, key)) }

    /// The key of the step that is next.
    ///
    /// - Returns: nil where nothing tells what it would read.
    func key(of step: BuildStep, _ reuse: StepReuse, _ changes: BuildChanges) throws -> String? {
        var text = KeyText("build step 2")
        let environment = BuildEnvironment.reused(reuse, plan, deploy, app, at: app.build)
        text.add("tools", ToolchainStamp(path: environment["PATH"] ?? "").text)
        text.add("run", step.run)
        for output in reuse.outputs { text.add("output", output.text) }
        for (key, value) in environment.sorted(by: { $0.key < $1.key }) { text.add("env \(key)", value) }
        // What stands in the place of an output is there when the step begins.
        let paths = reuse.inputs + reuse.outputs
        let matches = try add(paths, to: &text)
        try addRendered(in: reuse.inputs, to: &text)
        addSteps(making: paths, to: &text)
        return changes.add(at: paths, matches, to: &text) ? try text.key() : nil
    }

    /// What the processes of a service come from once all steps are done: also its whole environment, since it gets all
    /// of that, and the command lines of steps that do not say what they make.
    ///
    /// - Returns: nil where nothing tells, and for a service that is restarted always.
    func key(of service: Service, _ changes: BuildChanges) throws -> String? {
        guard let inputs = service.restartInputs else { return nil }
        var text = KeyText("service 2")
        if plan.seal != nil { text.add("sealed", "1") }
        var plain = service
        plain.restartInputs = nil
        text.add("service", try StableJSON.bytes(plain))
        for path in plan.manifest.shared { text.add("shared", path.text) }
        for (key, value) in plan.environment.sorted(by: { $0.key < $1.key }) { text.add("env \(key)", value) }
        let paths = inputs + ((try? PathPattern(service.directory)).map { [$0] } ?? [])
        let matches = try add(inputs, to: &text)
        try addRendered(in: paths, to: &text)
        addSteps(making: paths, to: &text)
        for step in plan.manifest.build where step.reuse == nil { text.add("run", step.run) }
        return changes.add(at: paths, matches, to: &text) ? try text.key() : nil
    }

    private func add(_ inputs: [PathPattern], to text: inout KeyText) throws -> [TreeMatch] {
        var all: [TreeMatch] = []
        for input in inputs {
            text.add("input", input.text)
            let matches = try tree.matches(of: input)
            for match in matches { text.add(match) }
            all += matches
        }
        return all
    }

    private func addRendered(in paths: [PathPattern], to text: inout KeyText) throws {
        for file in plan.manifest.environment.files {
            guard paths.contains(where: { $0.covers(file.target) }) else { continue }
            text.add("rendered", file.target.text)
            text.add("content", try ReleaseFile.read(file.target, in: partial))
        }
    }

    private func addSteps(making paths: [PathPattern], to text: inout KeyText) {
        for (step, key) in steps {
            guard let key, let reuse = step.reuse else { continue }
            let isRead = reuse.outputs.contains { output in paths.contains { $0.overlaps(output) } }
            if isRead { text.add("step", key) }
        }
    }
}
