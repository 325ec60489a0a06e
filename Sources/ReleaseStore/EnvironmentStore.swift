public import ReleaseModel
import SystemPackage

/// The operator's values of an app: `env/values`, JSON, mode 0600 from its first byte on.
public struct EnvironmentStore: Sendable {
    /// The most bytes of `KEY=value` and its end that a program can be started with (`MAX_ARG_STRLEN`, execve(2)).
    public static let longestEntry = 128 << 10

    /// The most bytes of all values together: half of what programs can be started with by default (2 MiB, execve(2)).
    public static let longestEnvironment = 1 << 20

    /// The app.
    public let app: AppLayout

    /// The values of an app.
    public init(_ app: AppLayout) { self.app = app }

    /// All values; none where nothing was ever set.
    public func values() throws(StoreError) -> [EnvironmentKey: String] {
        let path = app.environmentFile
        var values: [EnvironmentKey: String] = [:]
        for (name, value) in try JSONFile.read([String: String].self, from: path) ?? [:] {
            do {
                values[try EnvironmentKey(name)] = value
            } catch {
                throw .damaged(path: path, problem: "cannot be read: \(error)")
            }
        }
        return values
    }

    /// Changes values, whole or not at all; two changes at once come one after the other.
    ///
    /// - Throws: `environmentValue` where a new value is refused: one with NUL, one too long, or a key that the product
    ///   sets itself; `locked` where another change takes over 10 s.
    public func update(_ change: (inout [EnvironmentKey: String]) -> Void) throws(StoreError) {
        let directory = app.environmentFile.removingLastComponent()
        try directory.makeDirectories(mode: 0o700)
        let path = directory.appending("lock")
        guard let lock = try FileLock.acquire(path, wait: .seconds(10)) else { throw .locked(path: path) }
        defer { lock.release() }
        let old = try values()
        var new = old
        change(&new)
        guard new != old else { return }
        let total = new.reduce(0) { $0 + Self.length($1.key, $1.value) }
        for (key, value) in new where old[key] != value { try check(key, value, total: total) }
        let texts = Dictionary(uniqueKeysWithValues: new.map { ($0.key.text, $0.value) })
        try JSONFile.write(texts, to: app.environmentFile, mode: 0o600)
    }

    private func check(_ key: EnvironmentKey, _ value: String, total: Int) throws(StoreError) {
        let problem: String? =
            if key.isReserved {
                "is set by pmo-release itself"
            } else if value.utf8.contains(0) {
                "has a NUL byte, which no program can be given"
            } else if Self.length(key, value) > Self.longestEntry {
                "is longer than the \(Self.longestEntry.shownWithCommas) bytes that a program can be given"
            } else if total > Self.longestEnvironment {
                "makes \(total.shownWithCommas) bytes of all values, \(Self.longestEnvironment.shownWithCommas) is the most"
            } else {
                nil
            }
        if let problem { throw .environmentValue(app.name, key, problem: problem) }
    }

    /// The bytes of `KEY=value` with its end.
    private static func length(_ key: EnvironmentKey, _ value: String) -> Int {
        key.text.utf8.count + value.utf8.count + 2
    }
}
