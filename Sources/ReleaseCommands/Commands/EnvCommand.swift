import ArgumentParser
import DeployPipeline
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage

struct EnvCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env", abstract: "Read and set an app's environment.",
        subcommands: [EnvList.self, EnvGet.self, EnvSet.self, EnvUnset.self, EnvImport.self])
}

private struct EnvList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys; values masked unless asked.")
    @Argument(help: "The app; may be left out where there is one.") var app: String?
    @Flag(help: "Show the values.") var values = false
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var home: HomeOptions

    func run() throws {
        let all = try EnvironmentStore(home.app(app)).values()
        let shown = Dictionary(uniqueKeysWithValues: all.map { ($0.key.text, values ? $0.value : "••••") })
        if json { return try Output.json(shown) }
        for (key, value) in shown.sorted(by: { $0.key < $1.key }) { Output.line("\(key)=\(value.shown())") }
    }
}

private struct EnvGet: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Print one value.")
    @Argument(help: ArgumentHelp("[<app>] <key>", valueName: "app-and-key"))
    var words: [String]
    @OptionGroup var home: HomeOptions

    func run() throws {
        let (layout, rest) = try home.app(leading: words, rest: 1)
        guard rest.count == 1 else { throw ValidationError("env get takes [<app>] <key>") }
        guard let value = try EnvironmentStore(layout).values()[EnvironmentKey(rest[0])] else {
            throw EnvironmentError.notSet(rest[0], layout.name)
        }
        Output.line(value)
    }
}

private struct EnvSet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set values; they take effect with the next deploy.")
    @Argument(
        help: ArgumentHelp("[<app>] <key>=<value> …, or [<app>] <key> with --stdin.", valueName: "app-and-values"))
    var words: [String]
    @Flag(help: "Read the one key's value from standard input; a final newline is dropped.") var stdin = false
    @OptionGroup var home: HomeOptions

    func run() throws {
        let (layout, pairs) = try stdin ? fromInput() : fromWords()
        try EnvironmentChange.apply(pairs, to: layout, verb: "env set")
    }

    private func fromInput() throws -> (AppLayout, [EnvironmentKey: String]) {
        let (layout, rest) = try home.app(leading: words, rest: 1)
        guard rest.count == 1, !rest[0].contains("=") else {
            throw ValidationError("env set --stdin takes [<app>] <key>")
        }
        var value = String(decoding: try EnvironmentInput.read(), as: UTF8.self)
        if value.hasSuffix("\n") { value.removeLast() }
        return (layout, [try EnvironmentKey(rest[0]): value])
    }

    private func fromWords() throws -> (AppLayout, [EnvironmentKey: String]) {
        let hasApp = words.first.map { !$0.contains("=") } ?? false
        let layout = try home.app(hasApp ? words[0] : nil)
        var pairs: [EnvironmentKey: String] = [:]
        for word in hasApp ? words.dropFirst() : words[...] {
            guard let equals = word.firstIndex(of: "=") else {
                throw EnvironmentError.noPair(word, layout.name)
            }
            pairs[try EnvironmentKey(String(word[..<equals]))] = String(word[word.index(after: equals)...])
        }
        guard !pairs.isEmpty else { throw ValidationError("env set takes [<app>] <key>=<value> …") }
        return (layout, pairs)
    }
}

private struct EnvUnset: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "unset", abstract: "Remove keys.")
    @Argument(help: ArgumentHelp("[<app>] <key> …", valueName: "app-and-keys"))
    var words: [String]
    @OptionGroup var home: HomeOptions

    func run() throws {
        let named = words.first.flatMap { try? AppName($0) }.map { home.layout.app($0).exists } ?? false
        let layout = try home.app(named ? words[0] : nil)
        let keys = try (named ? words.dropFirst() : words[...]).map { try EnvironmentKey($0) }
        let store = EnvironmentStore(layout)
        let values = try store.values()
        for key in keys where values[key] == nil { throw EnvironmentError.notSet(key.text, layout.name) }
        try store.update { values in for key in keys { values[key] = nil } }
        EnvironmentChange.record(keys, layout, verb: "env unset")
    }
}

private struct EnvImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Set values from a .env file, or from standard input.")
    @Argument(help: ArgumentHelp("[<app>] <file>, “-” for standard input.", valueName: "app-and-file"))
    var words: [String]
    @OptionGroup var home: HomeOptions

    func run() throws {
        let (layout, rest) = try home.app(leading: words, rest: 1)
        guard rest.count == 1 else { throw ValidationError("env import takes [<app>] <file>") }
        let bytes = try rest[0] == "-" ? EnvironmentInput.read() : EnvironmentInput.read(file: rest[0])
        try EnvironmentChange.apply(
            DotenvFile.parse(String(decoding: bytes, as: UTF8.self), name: rest[0]), to: layout, verb: "env import")
    }
}

/// Why an environment command was refused.
enum EnvironmentError: HintedError {
    case notSet(String, AppName)
    case noPair(String, AppName)
    case reserved(EnvironmentKey)
    case unreadable(String, String)
    case malformed(file: String, line: Int, problem: String)

    var description: String {
        switch self {
        case .notSet(let key, _): "\(key.shown(limit: 60)) is not set"
        case .noPair(let word, _): "“\(word.shown(limit: 40))” is not <key>=<value>"
        case .reserved(let key): "\(key) is set by pmo-release itself"
        case .unreadable(let file, let problem): "cannot read \(file.shown(limit: 100)): \(problem)"
        case .malformed(let file, let line, let problem): "\(file.shown(limit: 100)):\(line): \(problem)"
        }
    }
    var hint: String? {
        switch self {
        case .notSet(_, let app): "pmo-release env list \(app)"
        case .noPair(let word, let app):
            "pmo-release env set \(app) \(word.shown(limit: 40))=…, or \(word.shown(limit: 40)) --stdin"
        case .reserved: "choose another name"
        case .unreadable: "name a file, or “-” for standard input"
        case .malformed: "write KEY=value, one a line; quote values that hold spaces or newlines"
        }
    }
    var outcome: ErrorOutcome {
        switch self {
        case .noPair: .usage
        default: .refused
        }
    }
}

/// A change of values, and its entry in the ledger: the keys, never the values.
private enum EnvironmentChange {
    static func apply(_ pairs: [EnvironmentKey: String], to layout: AppLayout, verb: String) throws {
        if let reserved = pairs.keys.sorted().first(where: \.isReserved) { throw EnvironmentError.reserved(reserved) }
        try EnvironmentStore(layout).update { $0.merge(pairs) { _, new in new } }
        record(pairs.keys.sorted(), layout, verb: verb)
    }

    static func record(_ keys: [EnvironmentKey], _ layout: AppLayout, verb: String) {
        let names = keys.map(\.text).joined(separator: ", ")
        Caller.record(verb, names, of: layout)
        let live = (try? ReleaseStore(layout).current()).flatMap { $0 }
        let next = live.map { "; to apply it now: pmo-release deploy \(layout.name) \($0.commit.short)" } ?? ""
        Output.progress("\(verb.split(separator: " ").last ?? "set"): \(names)\(next)")
    }
}

private enum EnvironmentInput {
    /// At most 1 MiB.
    static let limit = 1 << 20

    static func read() throws -> [UInt8] { try read(FileDescriptor.standardInput, "standard input") }

    static func read(file: String) throws -> [UInt8] {
        do {
            let descriptor = try CallerFiles.open(file)
            defer { try? descriptor.close() }
            return try read(descriptor, file)
        } catch let error as Errno {
            throw EnvironmentError.unreadable(file, "\(error)")
        }
    }

    private static func read(_ descriptor: FileDescriptor, _ name: String) throws -> [UInt8] {
        do { return try CallerFiles.read(descriptor, limit: limit) } catch Errno.fileTooLarge {
            throw EnvironmentError.unreadable(name, "it holds more than 1 MiB")
        }
    }
}
