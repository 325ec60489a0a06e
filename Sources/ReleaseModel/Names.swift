/// A deployable project in one environment on this host: 1 to 40 characters, lower-case letters, digits
/// and `-`, starting with a letter, not ending in `-`, without `--`. It is a directory name, part of unit
/// and upstream names, and a DNS label.
public struct AppName: ValidatedText {
    /// What an error calls it.
    public static let kind = "app name"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        try Self.check(text, length: 1...40) { byte, first in
            byte.isLowerOrDigit && !(first && byte.isDigit) || (!first && byte == UInt8(ascii: "-"))
        } orRule: {
            "must be 1 to 40 lower-case letters, digits and single “-”, starting with a letter"
        }
        guard !text.hasSuffix("-"), !text.containsDoubleHyphen else {
            throw InvalidValue(Self.kind, text, "must not end in “-” or contain “--”")
        }
        guard !["localhost", "default"].contains(text) else {
            throw InvalidValue(Self.kind, text, "is reserved")
        }
        self.text = text
    }
}

/// A long-running process of an app: 1 to 32 letters, digits, `-` and `_`, starting with a letter.
/// Upper case is allowed since Procfiles have it.
public struct ServiceName: ValidatedText {
    /// What an error calls it.
    public static let kind = "service name"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        try Self.check(text, length: 1...32) { byte, first in
            byte.isLetter || !first && (byte.isDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_"))
        } orRule: {
            "must be 1 to 32 letters, digits, “-” and “_”, starting with a letter"
        }
        self.text = text
    }
}

/// A branch that may deploy: what `git check-ref-format --branch` accepts, kept to printable ASCII without
/// shell or ref syntax, at most 200 bytes, not starting with `-`.
public struct BranchName: ValidatedText {
    /// What an error calls it.
    public static let kind = "branch"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let rule = "must be letters, digits and “._/-+@”, not starting with “-”, “.” or “/”"
        try Self.check(text, length: 1...200) { byte, first in
            byte.isLetter || byte.isDigit || byte == UInt8(ascii: "_")
                || (!first && "._/-+@".utf8.contains(byte))
        } orRule: {
            rule
        }
        guard !text.hasSuffix("/"), !text.hasSuffix("."), !text.hasSuffix(".lock"),
            !text.containsAny(of: ["..", "//", "/.", "@{"])
        else { throw InvalidValue(Self.kind, text, rule) }
        self.text = text
    }
    /// The full name of the ref, `refs/heads/main`.
    public var reference: String { "refs/heads/" + text }
}

/// A host name a site answers to: lower-case letters, digits, `-` and `.`, labels of 1 to 63 bytes, at most
/// 253 bytes in all (RFC 1035 §2.3.4), at least one label; `_` and wildcards are not accepted.
public struct Domain: ValidatedText {
    /// What an error calls it.
    public static let kind = "domain"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        let rule = "must be a lower-case host name such as app.example.org"
        try Self.check(text, length: 1...253) { byte, _ in
            byte.isLowerOrDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        } orRule: {
            rule
        }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        // An address, which is the host's and no site's; no top-level domain is a number (RFC 3696, section 2).
        if labels.last?.allSatisfy(\.isNumber) == true { throw InvalidValue(Self.kind, text, rule) }
        for label in labels {
            guard (1...63).contains(label.utf8.count), !label.hasPrefix("-"), !label.hasSuffix("-") else {
                throw InvalidValue(Self.kind, text, rule)
            }
        }
        self.text = text
    }
}

/// The name of an environment variable: `[A-Za-z_][A-Za-z0-9_]*`, at most 128 bytes (POSIX.1-2017 §8.1,
/// with lower case allowed).
public struct EnvironmentKey: ValidatedText {
    /// What an error calls it.
    public static let kind = "environment key"
    /// The text, as it was given.
    public let text: String
    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        try Self.check(text, length: 1...128) { byte, first in
            byte.isLetter || byte == UInt8(ascii: "_") || (!first && byte.isDigit)
        } orRule: {
            "must be letters, digits and “_”, not starting with a digit"
        }
        self.text = text
    }

    /// Whether the product sets the key itself, so that nobody else may: `PORT`, `SOCKET` and `PMO_…`.
    public var isReserved: Bool { text == "PORT" || text == "SOCKET" || text.hasPrefix("PMO_") }

    /// Whether the key changes how programs are loaded or found. An operator may set it, a pushed tree
    /// may not: `LD_…`, `DYLD_…`, `GIT_…`, `PATH`, `IFS`, `BASH_ENV`, `ENV`, `NODE_OPTIONS`, `PYTHONSTARTUP`,
    /// `PERL5OPT`, `RUBYOPT`, `HOME`, `SHELL`.
    public var isDangerous: Bool {
        ["LD_", "DYLD_", "GIT_"].contains { text.hasPrefix($0) }
            || [
                "PATH", "IFS", "BASH_ENV", "ENV", "NODE_OPTIONS", "PYTHONSTARTUP", "PERL5OPT", "RUBYOPT", "HOME",
                "SHELL",
            ].contains(text)
    }
}

extension String {
    fileprivate var containsDoubleHyphen: Bool { containsAny(of: ["--"]) }
    fileprivate func containsAny(of parts: [String]) -> Bool { parts.contains { self.contains($0) } }
}
