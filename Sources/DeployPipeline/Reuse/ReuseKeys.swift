import ReleaseModel
import ReleaseStore
import SystemPackage

/// What decides over reuse in one deploy: a key for each build step that says what it reads and makes, and one for
/// each service that is restarted only when something changed. The same key stands for the same work.
struct ReuseKeys {
    let plan: DeployPlan
    let deploy: Deploy
    let app: AppLayout

    /// The key of a step that is about to run, or not.
    func key(of step: BuildStep, _ reuse: StepReuse, _ history: BuildHistory) throws -> String {
        var text = KeyText("build step 3")
        let environment = BuildEnvironment.reused(reuse, plan, deploy, app, at: app.build)
        text.add("tools", ToolchainStamp(path: environment["PATH"] ?? "", named: step.run).text)
        text.add("run", step.run)
        for output in reuse.outputs { text.add("output", output.text) }
        for (key, value) in environment.sorted(by: { $0.key < $1.key }) { text.add("env \(key)", value) }
        // What stands in the place of an output is there when the step begins.
        try history.add(reuse.inputs + reuse.outputs, to: &text)
        return try text.key()
    }

    /// The key of what the processes of a service come from, once all steps are done: also its whole environment, since
    /// it gets all of that, what was made in its directory, and the command lines of steps that do not say what they
    /// make.
    ///
    /// - Returns: nil for a service that is restarted always.
    func key(of service: Service, _ history: BuildHistory) throws -> String? {
        guard let inputs = service.restartInputs else { return nil }
        var text = KeyText("service 3")
        if plan.seal != nil { text.add("sealed", "1") }
        var plain = service
        plain.restartInputs = nil
        text.add("service", try StableJSON.bytes(plain))
        for path in plan.manifest.shared { text.add("shared", path.text) }
        for (key, value) in plan.environment.sorted(by: { $0.key < $1.key }) { text.add("env \(key)", value) }
        try history.add(inputs, ignoringBytecode: true, to: &text)
        if let directory = try? PathPattern(service.directory) {
            try history.add([directory], onlyMade: true, ignoringBytecode: true, to: &text)
        }
        for step in plan.manifest.build where step.reuse == nil { text.add("run", step.run) }
        return try text.key()
    }
}
