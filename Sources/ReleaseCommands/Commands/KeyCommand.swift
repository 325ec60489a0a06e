import ArgumentParser
import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Say which ssh keys may push, ask and operate.",
        subcommands: [KeyAdd.self, KeyList.self, KeyRemove.self])
}

private struct KeyAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Let an ssh key in; it is read from standard input.",
        discussion: "Example: pmo-release key add alice --can push,read < alice.pub")

    @Argument(help: "By which the ledger knows its owner.") var name: String
    @Option(help: "An app it is for; may be given again (default: all, also those to come).") var app: [String] = []
    @Option(help: "What it may do: some of push, read, operate.") var can = "push,read,operate"
    @Option(help: "The last day on which it may, such as 2027-01-31 (UTC).") var expires: String?
    @Option(help: "Where its line goes from now on (default: ~/.ssh/authorized_keys of the home's owner).")
    var authorizedKeys: String?
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let name = try KeyName(name)
        let apps = try app.map { try home.app($0).name }
        let rights = try KeyRight.list(can)
        let expires = try expires.map { value throws(InvalidValue) in try ExpiryDate(value) }
        if let expires, expires.end <= currentTime() {
            throw InvalidValue(ExpiryDate.kind, expires.text, "is over already", hint: "a day to come")
        }
        if isatty(STDIN_FILENO) != 0 { Output.progress("paste the public key, one line:") }
        let key: PublicKey
        do {
            key = try PublicKey(Self.input())
        } catch {
            let hint = "pmo-release key add \(name) < ~/.ssh/id_ed25519.pub"
            throw InvalidValue(error.kind, error.value, error.rule, hint: hint)
        }
        guard home.layout.exists else { throw SelectionError.noApps(home.layout.home.string) }
        let fingerprint = try await Fingerprint.of(key)
        let store = KeyStore(home.layout)
        try store.add(
            AccessKey(
                name: name, key: key, apps: apps, can: rights, expires: expires?.end, added: currentTime(),
                addedBy: Caller.name),
            file: authorizedKeys.map { HostLayout(home: FilePath($0)).home })
        Output.progress("added \(name), \(fingerprint)")
        let until = expires.map { ", until the end of \($0)" } ?? ""
        Output.progress(
            "may \(rights.map(\.rawValue).joined(separator: ", ")) on \(KeyRow.shown(apps))\(until); "
                + "its line is in \(try store.file())")
    }

    /// The first line and what follows it, as much as a key may have and a byte more.
    private static func input() -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= PublicKey.longest {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
            if isatty(STDIN_FILENO) != 0, bytes.last == UInt8(ascii: "\n") { break }
        }
        return bytes
    }
}

private struct KeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the keys.")
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() async throws {
        var rows: [KeyRow] = []
        for key in try KeyStore(home.layout).keys() {
            rows.append(KeyRow(key, fingerprint: try await Fingerprint.of(key.key)))
        }
        if json { return try Output.json(rows) }
        guard !rows.isEmpty else { return Output.progress("no key yet: pmo-release key add <name> < key.pub") }
        Output.table(
            ["NAME", "CAN", "APPS", "EXPIRES", "FINGERPRINT", "ADDED", "BY"],
            rows.map { row in
                let expiry = row.expires.map { Moment.shown($0) } ?? "never"
                return [
                    row.name.text, row.can.map(\.rawValue).joined(separator: ","), KeyRow.shown(row.apps),
                    row.expired ? "expired" : expiry, row.fingerprint, Moment.shown(row.added),
                    row.addedBy.shown(limit: 16),
                ]
            })
    }
}

private struct KeyRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a key away; it does nothing any more from then on.")
    @Argument(help: "The key's name.") var name: String
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let removed = try KeyStore(home.layout).remove(try KeyName(name))
        let ended = Self.endSessions(of: removed.name)
        Output.progress("removed \(removed.name)\(ended == 0 ? "" : ", and ended \(ended) of its connections")")
    }

    /// Ends what the key has under way over ssh: what it asked for, with what that has started. A deploy goes on.
    private static func endSessions(of key: KeyName) -> Int {
        let words = [ShellCommand.configuration.commandName ?? "", "--key", key.text]
        return ProcessSearch.groups(ofArguments: words).filter { $0 != getpgrp() && kill(-$0, SIGTERM) == 0 }.count
    }
}

/// A key as `key list` shows it.
private struct KeyRow: Encodable {
    var name: KeyName
    var can: [KeyRight]
    var apps: [AppName]
    var expires: Double?
    var expired: Bool
    var fingerprint: String
    var type: String
    var comment: String
    var added: Double
    var addedBy: String

    init(_ key: AccessKey, fingerprint: String) {
        name = key.name
        can = key.can
        apps = key.apps
        expires = key.expires
        expired = key.isExpired(at: currentTime())
        self.fingerprint = fingerprint
        type = key.key.type
        comment = key.key.comment
        added = key.added
        addedBy = key.addedBy
    }

    static func shown(_ apps: [AppName]) -> String {
        apps.isEmpty ? "all apps" : apps.map(\.text).joined(separator: ",")
    }
}

/// A key's fingerprint as ssh shows it, `SHA256:…`, from `ssh-keygen -l`, which also has the last word on whether it is
/// a key at all.
private enum Fingerprint {
    static func of(_ key: PublicKey) async throws -> String {
        let command = Command(
            executable: try HostPrograms.find("ssh-keygen"), arguments: ["-l", "-E", "sha256", "-f", "-"],
            input: Array("\(key.type) \(key.blob)\n".utf8))
        let result = try await ProcessRunner().run(command, within: .seconds(10))
        guard result.succeeded, let print = result.text.split(separator: " ").dropFirst().first else {
            throw InvalidValue("public key", "\(key.type) \(key.blob)", "is none that ssh-keygen can read")
        }
        return String(print)
    }
}
