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
    /// - Returns: the outputs; nil where one of them has a name that cannot be noted.
    /// - Throws: `stepOutput` where one names nothing, or only what was there before.
    public static func check(
        _ patterns: [PathPattern], in release: FilePath, isTouched: (PathPattern) -> Bool
    ) throws(StoreError) -> [ReleasePath]? {
        if let untouched = patterns.first(where: { !isTouched($0) }),
            try StepOutputs(release).paths([untouched]).isEmpty == false
        {
            throw .stepOutput(path: untouched.text, fault: .untouched)
        }
        do throws(StoreError) {
            return try StepOutputs(release).paths(patterns)
        } catch .stepOutput(_, .oddName) {
            return nil
        }
    }

    /// Gives each file that a step has made, and that has other names too, an inode of its own: what is brought back
    /// has one as well, and what a later step writes must come out the same.
    public static func separate(_ patterns: [PathPattern], in release: FilePath) throws(StoreError) {
        try FileSeparation.run(StepOutputs(release).existing(patterns), in: release)
    }

    /// Keeps what a step has made.
    ///
    /// - Parameters:
    ///   - patterns: what the step was to make; each must name something.
    ///   - release: the release's directory.
    ///   - build: where the step found it.
    ///   - content: what was made, hashed.
    ///   - limit: how many bytes the entry may have; more are not kept.
    /// - Returns: the entry, in place of an older one of the key; nil where it has more than the limit.
    /// - Throws: `stepOutput` where an output is not as it must be, or another error where it cannot be kept.
    public func keep(
        _ patterns: [PathPattern], of release: FilePath, builtAt build: FilePath, key: String, content: String,
        command: String, limit: Int
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
            guard StepRecord.weight(bytes: copy.bytes, entries: copy.entries) <= limit else {
                try TreeRemoval.remove(entry)
                try remove(key)
                return nil
            }
            let now = currentTime()
            let record = StepRecord(
                key: key, content: content, command: command, outputs: paths.map(\.text), entries: copy.entries,
                bytes: copy.bytes, created: now, used: now)
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
        // Before anything is removed: a step that must run finds what the tree has in the place of its outputs.
        guard let paths = whole(record, outputs, patterns) else {
            try remove(key)
            return nil
        }
        for path in try StepOutputs(release).existing(patterns) { try TreeRemoval.remove(release.appending(path.text)) }
        var copy = TreeCopy()
        for path in paths { try StepOutputs.copy(path, from: outputs, to: release, &copy) }
        guard copy.entries == record.entries, copy.bytes == record.bytes else {
            throw .damaged(path: outputs, problem: "changed while it was copied")
        }
        record.used = currentTime()
        // Not waited for: after a power cut an older time, or an entry less, is no harm.
        let entry = try Directory(opening: path(key))
        try entry.write(JSONFile.bytes(record, for: entry.path), to: "step.json", mode: 0o600, durable: false)
        return record
    }

    /// The paths of an entry that has all that it had when it was made; nil for another.
    private func whole(_ record: StepRecord, _ outputs: FilePath, _ patterns: [PathPattern]) -> [ReleasePath]? {
        let paths = record.outputs.compactMap { try? ReleasePath($0) }
        var count = EntryCount()
        guard paths.count == record.outputs.count,
            paths.allSatisfy({ path in patterns.contains { $0.covers(path) } }),
            (try? paths.forEach { try count.add(outputs.appending($0.text)) }) != nil,
            count.entries == record.entries, count.bytes == record.bytes
        else { return nil }
        return paths
    }

    /// Removes what is kept of a step, where something is.
    public func forget(_ key: String) throws(StoreError) {
        guard app.steps.isRealDirectory else { return }
        try remove(key)
    }

    func path(_ key: String) -> FilePath { app.steps.appending(key) }

    func keys() throws(StoreError) -> [String] {
        try app.steps.namesInside().filter { $0.utf8.count == 40 && !$0.hasPrefix(".") }
    }
}

/// Counts as `TreeCopy` does.
private struct EntryCount: TreeVisitor {
    private(set) var entries = 0
    private(set) var bytes = 0

    mutating func add(_ path: FilePath) throws(StoreError) {
        guard let name = path.lastName else { return }
        let parent = try Directory(opening: path.directory, following: false)
        if try parent.status(of: name)?.isDirectory == true {
            try TreeWalk.walk(name, of: parent, &self)
        } else {
            try visit(name, of: parent)
        }
    }

    mutating func enter(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) -> Directory? {
        entries += 1
        return try Directory(opening: name, in: parent)
    }

    mutating func visit(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
        guard let status = try parent.status(of: name) else { return }
        entries += 1
        if status.isFile { bytes += Int(status.st_size) }
    }

    func leave(_ name: FilePath, of parent: borrowing Directory) {}
}
