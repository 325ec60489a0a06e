import Glibc
public import ReleaseModel
public import SystemPackage

/// The ssh keys of a host: `.pmo/keys.json` says what each may do, and `authorized_keys` of the user that the home
/// belongs to lets it in, by a line with a forced command. Lines of other hands stay as they are.
public struct KeyStore: Sendable {
    /// What the file holds.
    private struct Contents: Codable {
        var keys: [AccessKey] = []
        /// Where the lines are; nil for the owner's own file.
        var file: String?
    }

    private let host: HostLayout
    private let path: FilePath

    /// The keys of a host.
    public init(_ host: HostLayout) {
        self.host = host
        path = host.private.appending("keys.json")
    }

    /// Whether keys were ever added here.
    public var exists: Bool { path.isRegularFile }

    /// The keys, by name.
    public func keys() throws(StoreError) -> [AccessKey] { try contents().keys }

    /// Where their lines are.
    public func file() throws(StoreError) -> FilePath {
        if let file = try contents().file { return FilePath(file) }
        return try Self.ownersFile(host.home)
    }

    /// Adds a key, and lets it in.
    ///
    /// - Parameter file: where the lines are from now on; nil for where they are.
    /// - Throws: `KeyError` for a name or a key that is there already, `StoreError`.
    public func add(_ key: AccessKey, file: FilePath? = nil) throws {
        try locked {
            let before = try contents()
            var contents = before
            if contents.keys.contains(where: { $0.name == key.name }) { throw KeyError.nameTaken(key.name) }
            if let same = contents.keys.first(where: { $0.key.blob == key.key.blob }) {
                throw KeyError.keyTaken(by: same.name)
            }
            if let file { contents.file = file.string }
            let lines = try contents.file.map { FilePath($0) } ?? Self.ownersFile(host.home)
            if lines.status(following: false)?.isLink == true { throw KeyError.link(lines, to: lines.resolved) }
            if let number = try foreignLine(with: key.key, in: lines) {
                throw KeyError.foreignLine(path: lines.string, line: number)
            }
            contents.keys.append(key)
            contents.keys.sort { $0.name < $1.name }
            do { try save(contents) } catch {
                // A key without a line would be listed as one that can log in.
                if exists { try? JSONFile.write(before, to: path, mode: 0o600) }
                throw error
            }
        }
    }

    /// Takes a key away; from the moment that this returns, it does nothing any more.
    ///
    /// - Throws: `KeyError.unknown`, `StoreError`.
    public func remove(_ name: KeyName) throws -> AccessKey {
        try locked {
            var contents = try contents()
            guard let place = contents.keys.firstIndex(where: { $0.name == name }) else {
                throw KeyError.unknown(name, known: contents.keys.map(\.name))
            }
            let removed = contents.keys.remove(at: place)
            try save(contents)
            return removed
        }
    }

    /// What stands in `authorized_keys` for a key: nothing but the forced command (sshd(8), `restrict`, `command=`).
    ///
    /// - Throws: where the home's path has characters that sshd or a shell would read.
    public func line(of key: AccessKey) throws -> String {
        var command = "pmo-release shell --key \(key.name)"
        if host.home != "/srv/pmo" {
            let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@"
            guard host.home.string.allSatisfy(plain.contains) else { throw KeyError.oddHome(host.home.string) }
            command = "\(host.bin.appending(command)) --home \(host.home)"
        }
        let comment = key.key.comment.isEmpty ? "" : " \(key.key.comment)"
        return "restrict,command=\"\(command)\" \(key.key.type) \(key.key.blob)\(comment)"
    }

    private func contents() throws(StoreError) -> Contents {
        try host.ensureVersion()
        return try JSONFile.read(Contents.self, from: path) ?? Contents()
    }

    private func locked<Result>(_ body: () throws -> Result) throws -> Result {
        try host.private.makeDirectories()
        let place = host.private.appending("keys.lock")
        guard let lock = try FileLock.acquire(place, wait: .seconds(30)) else { throw StoreError.locked(path: place) }
        defer { lock.release() }
        return try body()
    }

    /// The rights first: a line without them lets nobody do anything. A kill in between leaves a key that cannot log
    /// in, or a line that is refused; the next change of any key writes both anew.
    private func save(_ contents: Contents) throws {
        let lines = try contents.keys.map(line)
        let file = try contents.file.map { FilePath($0) } ?? Self.ownersFile(host.home)
        let directory = file.removingLastComponent()
        if !directory.isRealDirectory { try directory.makeDirectories(mode: 0o700) }
        // What killed writers have left of the two files.
        for place in [path.removingLastComponent(), directory] {
            _ = try Directory(opening: place).sweepTemporaryFiles()
        }
        try JSONFile.write(contents, to: path, mode: 0o600)
        let kept = try Self.lines(of: file).filter { !isOurs($0) }
        let all = kept + lines.map { Array($0.utf8)[...] }
        // The permissions that sshd asks for (StrictModes).
        try DurableFile.write(all.flatMap { $0 + [Self.newline] }, to: file, mode: 0o600)
    }

    private func isOurs(_ line: ArraySlice<UInt8>) -> Bool {
        ["pmo-release", "\(host.bin.appending("pmo-release"))"].contains {
            line.starts(with: "restrict,command=\"\($0) shell --key ".utf8)
        }
    }

    /// The number of a line, not ours, that lets the same key in: sshd takes the first that fits, with its rights.
    private func foreignLine(with key: PublicKey, in file: FilePath) throws -> Int? {
        try Self.lines(of: file).firstIndex { line in
            !isOurs(line) && line.first != UInt8(ascii: "#")
                && line.split(whereSeparator: { " \t".utf8.contains($0) }).contains {
                    $0.prefix(key.blob.utf8.count).elementsEqual(key.blob.utf8)
                }
        }.map { $0 + 1 }
    }

    private static let newline = UInt8(ascii: "\n")

    /// The lines as they are, in whatever encoding, with what another editor ends them by.
    private static func lines(of file: FilePath) throws(StoreError) -> [ArraySlice<UInt8>] {
        var bytes = try DurableFile.read(file) ?? []
        if bytes.last == newline { bytes.removeLast() }
        return bytes.isEmpty ? [] : bytes.split(separator: newline, omittingEmptySubsequences: false)
    }

    /// `.ssh/authorized_keys` of the user that the home belongs to.
    private static func ownersFile(_ home: FilePath) throws(StoreError) -> FilePath {
        guard let status = home.status() else { throw .system(action: "look at", path: home, code: errno) }
        guard let entry = getpwuid(status.st_uid), let directory = entry.pointee.pw_dir else {
            throw .system(action: "find the owner of", path: home, code: ENOENT)
        }
        return FilePath(String(cString: directory)).appending(".ssh").appending("authorized_keys")
    }
}

/// Why keys stay as they are.
public enum KeyError: HintedError, Equatable {
    /// Another key has the name.
    case nameTaken(KeyName)
    /// The key has another name already.
    case keyTaken(by: KeyName)
    /// There is no such key.
    case unknown(KeyName, known: [KeyName])
    /// A line that is not ours lets the same key in, with other rights.
    case foreignLine(path: String, line: Int)
    /// The file of the lines is a link, which sshd may follow into a directory that others can write to.
    case link(FilePath, to: FilePath)
    /// The home's path cannot stand in `authorized_keys`.
    case oddHome(String)

    /// What went wrong, in one line.
    public var description: String {
        switch self {
        case .nameTaken(let name): "there is a key named \(name) already"
        case .keyTaken(let name): "the same key is here already, as \(name)"
        case .unknown(let name, let known):
            known.isEmpty
                ? "there is no key \(name)"
                : "there is no key \(name); there are \(known.map(\.text).joined(separator: ", "))"
        case .foreignLine(let path, let line):
            "line \(line) of \(path) lets the same key in already, with other rights"
        case .link(let path, let target): "\(path) is a link to \(target)"
        case .oddHome(let home): "the path \(home.shown(limit: 100)) cannot stand in authorized_keys"
        }
    }

    /// A command that helps.
    public var hint: String? {
        switch self {
        case .nameTaken(let name), .keyTaken(let name): "pmo-release key remove \(name), and add it again"
        case .unknown: "pmo-release key list"
        case .foreignLine(let path, let line): "sed -i \(line)d \(path), and add it again"
        case .link(let path, let target): "mv \(target) \(path), or another file: --authorized-keys <path>"
        case .oddHome: "a home whose path has letters, digits and “/._-” alone"
        }
    }

    /// Nothing was changed.
    public var outcome: ErrorOutcome { .refused }
}
