import GitRepository
import ReleaseModel
import ReleaseStore
import SystemPackage

/// What decides over reuse in one deploy: a key for each build step that says what it reads and makes, and one for
/// each service that is restarted only when something changed. The same key stands for the same work.
struct ReuseKeys {
    /// The keys of the manifest's build steps, in order; nil for a step that always runs.
    let steps: [String?]
    /// The keys of services with `restart: when-changed`.
    let services: [ServiceName: String]

    /// Reads the commit's tree, the rendered files and the host's tools.
    ///
    /// - Parameter partial: the release, exported and configured.
    init(_ plan: DeployPlan, _ deploy: Deploy, _ app: AppLayout, partial: FilePath) throws {
        let tree = try GitRepository(opening: app.repository).tree(of: deploy.commit)
        let source = Source(plan: plan, deploy: deploy, app: app, tree: tree, partial: partial)
        var steps: [String?] = []
        for step in plan.manifest.build { steps.append(try source.key(of: step, after: steps)) }
        self.steps = steps
        services = try plan.manifest.services.reduce(into: [:]) { keys, service in
            if let inputs = service.restartInputs { keys[service.name] = try source.key(of: service, inputs, steps) }
        }
    }

    private struct Source {
        let plan: DeployPlan
        let deploy: Deploy
        let app: AppLayout
        let tree: CommitTree
        let partial: FilePath

        func key(of step: BuildStep, after earlier: [String?]) throws -> String? {
            guard let reuse = step.reuse else { return nil }
            var text = KeyText("build step 1")
            let environment = BuildEnvironment.reused(reuse, plan, deploy, app)
            text.add("tools", ToolchainStamp(path: environment["PATH"] ?? "").text)
            text.add("run", step.run)
            for output in reuse.outputs { text.add("output", output.text) }
            for (key, value) in environment.sorted(by: { $0.key < $1.key }) { text.add("env \(key)", value) }
            // What the tree has in the place of an output is there when the step begins.
            try add(reuse.inputs + reuse.outputs, to: &text)
            try addRendered(in: reuse.inputs, to: &text)
            addSteps(earlier, making: reuse.inputs + reuse.outputs, to: &text)
            return try text.key()
        }

        /// What the processes of a service come from: also its whole environment, since it gets all of that, and the
        /// command lines of steps that do not say what they make.
        func key(of service: Service, _ inputs: [PathPattern], _ steps: [String?]) throws -> String {
            var text = KeyText("service 1")
            if plan.seal != nil { text.add("sealed", "1") }
            var plain = service
            plain.restartInputs = nil
            text.add("service", try StableJSON.bytes(plain))
            for path in plan.manifest.shared { text.add("shared", path.text) }
            for (key, value) in plan.environment.sorted(by: { $0.key < $1.key }) { text.add("env \(key)", value) }
            let directory = (try? PathPattern(service.directory)).map { [$0] } ?? []
            try add(inputs, to: &text)
            try addRendered(in: inputs + directory, to: &text)
            addSteps(steps, making: inputs + directory, to: &text)
            for step in plan.manifest.build where step.reuse == nil { text.add("run", step.run) }
            return try text.key()
        }

        private func add(_ inputs: [PathPattern], to text: inout KeyText) throws {
            for input in inputs {
                text.add("input", input.text)
                for match in try tree.matches(of: input) { text.add(match) }
            }
        }

        private func addRendered(in paths: [PathPattern], to text: inout KeyText) throws {
            for file in plan.manifest.environment.files {
                guard paths.contains(where: { $0.covers(file.target) }) else { continue }
                text.add("rendered", file.target.text)
                text.add("content", try ReleaseFile.read(file.target, in: partial))
            }
        }

        private func addSteps(_ keys: [String?], making paths: [PathPattern], to text: inout KeyText) {
            for (step, key) in zip(plan.manifest.build, keys) {
                guard let key, let reuse = step.reuse else { continue }
                let isRead = reuse.outputs.contains { output in paths.contains { $0.overlaps(output) } }
                if isRead { text.add("step", key) }
            }
        }
    }
}
