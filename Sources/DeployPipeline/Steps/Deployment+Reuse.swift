import ReleaseModel
import ReleaseStore
import SystemPackage

extension Deployment {
    private var steps: StepStore { StepStore(host.layout) }
    var isWithoutCache: Bool { deploy.options.contains("no-cache") }

    /// Brings in what a step made with the same inputs; nil where it must run.
    func bringBack(_ step: BuildStep, _ reuse: StepReuse, _ key: String, _ partial: FilePath) throws -> StepRecord? {
        guard !isWithoutCache else { return nil }
        let begun = ContinuousClock.now
        let record: StepRecord?
        do {
            record = try steps.bring(key, as: reuse.outputs, into: partial)
        } catch {
            // The next deploy runs it.
            try? steps.forget(key)
            throw error
        }
        guard let record else { return nil }
        log.reused(step.run.firstLine.shown(limit: 50), took: ContinuousClock.now - begun)
        return record
    }

    /// Separates what a step has made from all that it shares files with. Names that cannot be noted are not kept anyway.
    func separate(_ outputs: [PathPattern], in partial: FilePath, _ history: inout BuildHistory) throws {
        do { try StepStore.separate(outputs, in: partial) } catch {
            guard case .stepOutput(_, .oddName) = error else { throw error }
        }
        history.forget()
    }

    /// Keeps what a step has made, and removes what it has made beside that, so that the release is the same as where
    /// the outputs are brought in. One that has changed what stood there before is not kept. A full disk costs the next
    /// deploy time, and not this one its end; an output that is not as it must be is the step's failure.
    func keep(
        _ step: BuildStep, _ reuse: StepReuse, _ key: String, _ beside: BuildHistory.Beside, _ partial: FilePath,
        _ history: inout BuildHistory, budget: Int
    ) throws {
        guard beside.altered.isEmpty else {
            log.output("not kept for the next time: it also changed \(Self.list(beside.altered)); see `outputs`")
            return try steps.forget(key)
        }
        if !beside.new.isEmpty { log.output("removed, since no output: \(Self.list(beside.new))") }
        do {
            for path in beside.new { try host.store.removeTree(partial.appending(bytes: path)) }
        } catch {
            log.output("not kept for the next time: \(error.description)")
            return try steps.forget(key)
        }
        let content = try history.content(of: reuse.outputs)
        do {
            let kept = try steps.keep(
                reuse.outputs, of: partial, builtAt: host.layout.build, key: key, content: content,
                command: step.run.firstLine.shown(limit: 200), limit: budget)
            if kept != nil {
                history.keep(reuse.outputs, content: content)
            } else {
                log.output("not kept for the next time: its outputs are larger than cache: \(budget.shownAsBytes)")
            }
        } catch {
            if case .stepOutput(_, let fault) = error, !fault.isHarmless { throw error }
            log.output("not kept for the next time: \(error.description)")
            try? steps.forget(key)
        }
    }

    private static func list(_ paths: [[UInt8]]) -> String {
        let shown = paths.prefix(3).map { String(decoding: $0, as: UTF8.self).shown(limit: 60) }
        return shown.joined(separator: ", ") + (paths.count > 3 ? " and \(paths.count - 3) more" : "")
    }

    /// Holds the kept outputs to their budget.
    ///
    /// - Parameter used: what this deploy has used so far, which goes last.
    func trimSteps(_ manifest: Manifest, _ used: Set<String>) {
        let removed = (try? steps.trim(to: manifest.cacheBudget)) ?? []
        for record in removed where used.contains(record.key) {
            let limit = manifest.cacheBudget.shownAsBytes
            log.output(
                "not kept for the next time: \(record.command.shown(limit: 60)); cache: \(limit) is full without it")
        }
    }

    /// `built` where no step says what it makes; else how many were reused.
    func summary(_ reused: Int, of build: [BuildStep]) -> String {
        guard build.contains(where: { $0.reuse != nil }) else { return "built" }
        let parts = [(reused, "reused"), (build.count - reused, "built")].filter { $0.0 > 0 }
        return parts.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}
