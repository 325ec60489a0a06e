import CLinux
import Glibc
public import ReleaseModel
public import SystemPackage

/// The outputs of build steps, kept for the next deploy: `<app>/steps/<key>/`, with `step.json` and the files under
/// `outputs/`. An entry is there whole or not at all, and is never changed; releases get copies (shared blocks where the
/// file system has them), so that nothing that is written in a release reaches an entry. A build cannot see the store.
///
/// Whoever changes something holds the app's lock.
public struct StepStore: Sendable {
    /// The app.
    public let app: AppLayout

    /// The kept outputs of an app's build steps.
    public init(_ app: AppLayout) { self.app = app }

    /// All entries, the last used first.
    public func records() throws(StoreError) -> [StepRecord] {
        try keys().compactMap { record($0) }.sorted { ($0.used, $0.key) > ($1.used, $1.key) }
    }

    /// The entry of a key; nil where there is none that can be read.
    public func record(_ key: String) -> StepRecord? {
        let found = try? JSONFile.read(StepRecord.self, from: path(key).appending("step.json"))
        return found?.key == key ? found : nil
    }

    /// Checks what a step has made.
    ///
    /// - Parameters:
    ///   - patterns: what it was to make.
    ///   - isTouched: whether something that a pattern names is not as it was before the step.
    /// - Throws: `stepOutput` where one names nothing, or only what was there before.
    public static func check(
        _ patterns: [PathPattern], in release: FilePath, isTouched: (PathPattern) -> Bool
    ) throws(StoreError) {
        _ = try StepOutputs(release).paths(patterns)
        guard let untouched = patterns.first(where: { !isTouched($0) }) else { return }
        throw .stepOutput(path: untouched.text, fault: .untouched)
    }

    /// Keeps what a step has made.
    ///
    /// - Parameters:
    ///   - patterns: what the step was to make; each must name something.
    ///   - release: the release's directory.
    ///   - build: where the step found it.
    ///   - limit: how many bytes the entry may have; more are not kept.
    /// - Returns: the entry, in place of an older one of the key; nil where it has more than the limit.
    /// - Throws: `stepOutput` where an output is not as it must be, or another error where it cannot be kept.
    public func keep(
        _ patterns: [PathPattern], of release: FilePath, builtAt build: FilePath, key: String, command: String,
        limit: Int
    ) throws(StoreError) -> StepRecord? {
        let paths = try StepOutputs(release).paths(patterns)
        try app.steps.makeDirectories(mode: 0o700)
        let steps = try Directory(opening: app.steps)
        let name = FilePath(TemporaryName.next(for: key))
        _ = try steps.makeDirectory(name, mode: 0o700)
        do throws(StoreError) {
            var copy = TreeCopy(rules: OutputRules(build: build))
            let entry = app.steps.pushing(name)
            try entry.appending("outputs").makeDirectories()
            for path in paths { try StepOutputs.copy(path, from: release, to: entry.appending("outputs"), &copy) }
            guard copy.bytes <= limit else {
                try TreeRemoval.remove(entry)
                return nil
            }
            let now = currentTime()
            let record = StepRecord(
                key: key, command: command, outputs: paths.map(\.text), entries: copy.entries, bytes: copy.bytes,
                created: now, used: now)
            try JSONFile.write(record, to: entry.appending("step.json"), mode: 0o600)
            try checked("sync", entry) { syncfs(steps.descriptor) }
            try remove(key)
            try steps.rename(name, to: FilePath(key))
            try steps.sync()
            return record
        } catch {
            try? TreeRemoval.remove(app.steps.pushing(name))
            throw error
        }
    }

    /// Brings an entry's outputs into a release, in place of what its patterns name there.
    ///
    /// - Returns: nil where there is no whole entry of the key; one that is not whole is removed.
    public func bring(
        _ key: String, as patterns: [PathPattern], into release: FilePath
    ) throws(StoreError) -> StepRecord? {
        guard var record = record(key) else { return nil }
        let outputs = path(key).appending("outputs")
        try clear(patterns, in: release)
        var copy = TreeCopy()
        var isWhole = true
        do throws(StoreError) {
            for text in record.outputs {
                guard let path = try? ReleasePath(text), patterns.contains(where: { $0.covers(path) }) else {
                    throw .damaged(path: outputs, problem: "holds more than its step makes")
                }
                try StepOutputs.copy(path, from: outputs, to: release, &copy)
            }
        } catch .system(_, let path, let code) where path.starts(with: release) {
            throw .system(action: "copy", path: path, code: code)
        } catch {
            isWhole = false
        }
        guard isWhole, copy.entries == record.entries, copy.bytes == record.bytes else {
            try clear(patterns, in: release)
            try remove(key)
            return nil
        }
        record.used = currentTime()
        // Not waited for: after a power cut an older time, or an entry less, is no harm.
        let entry = try Directory(opening: path(key))
        try entry.write(JSONFile.bytes(record, for: entry.path), to: "step.json", mode: 0o600, durable: false)
        return record
    }

    private func clear(_ patterns: [PathPattern], in release: FilePath) throws(StoreError) {
        for path in try StepOutputs(release).existing(patterns) { try TreeRemoval.remove(release.appending(path.text)) }
    }

    func path(_ key: String) -> FilePath { app.steps.appending(key) }

    func keys() throws(StoreError) -> [String] {
        try app.steps.namesInside().filter { $0.utf8.count == 40 && !$0.hasPrefix(".") }
    }
}
