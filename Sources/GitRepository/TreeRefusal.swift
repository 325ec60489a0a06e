import ReleaseModel

/// Why a tree was refused: the rule, the path that breaks it, and what would help.
public struct TreeRefusal: Equatable, Sendable, CustomStringConvertible {
    /// Which rule.
    public let rule: TreeRule
    /// The path, raw, relative to the tree's root; empty where the whole tree is meant.
    public let path: [UInt8]
    /// The end of a sentence that begins with the path: `is a submodule`.
    public let problem: String
    /// A command for the repository that was pushed from.
    public let hint: String?

    init(_ rule: TreeRule, _ path: [UInt8], _ problem: String, hint: String? = nil) {
        self.rule = rule
        self.path = path
        self.problem = problem
        self.hint = hint ?? rule.hint(path)
    }

    /// `“vendor/x” is a submodule, …`, the path escaped.
    public var description: String { "\(path.isEmpty ? "the tree" : path.quoted) \(problem)" }
}

/// The rules that a tree must follow before a byte of it is written. The raw value is the id of the attack that the
/// rule answers.
public enum TreeRule: String, Sendable, CaseIterable {
    /// No entry is `.git` in any spelling, and none in the root is `.pmo`.
    case reservedName = "A01"
    /// Each name is one component: not empty, no `/`, not `.` or `..`.
    case component = "A02"
    /// No name means something else to another system: no backslash, no drive letter.
    case foreignName = "A03"
    /// A symlink is relative, stays in the tree, and climbs before it descends.
    case link = "A04"
    /// Each name of a directory is there once.
    case duplicate = "A05"
    /// There is no submodule, unless the app's settings allow an empty directory in its place.
    case submodule = "A07"
    /// Each entry is a file, a directory or a symlink.
    case mode = "A08"
    /// Names, paths and depth are within the limits.
    case length = "A09"
    /// The number of entries, the bytes and the largest file are within the limits.
    case size = "A13"
    /// Every object is there and can be read.
    case corrupt = "A16"
    /// There is a file.
    case empty = "empty"

    private static func plain(_ byte: UInt8) -> UInt8 { "\\:".utf8.contains(byte) ? UInt8(ascii: "_") : byte }

    func hint(_ path: [UInt8]) -> String? {
        switch self {
        case .reservedName, .link, .duplicate, .mode: "git rm -r --cached -- \(path.shellQuoted)"
        case .submodule:
            "git rm -r --cached -- \(path.shellQuoted), or on the host: pmo-release settings --submodules empty"
        case .foreignName: "git mv -- \(path.shellQuoted) \(path.map(Self.plain).shellQuoted) && git commit --amend"
        case .component, .length: "git ls-files -z | tr '\\0' '\\n' | cat -v"
        case .size: "git ls-tree -r -l HEAD | sort -n -k 4 | tail"
        case .corrupt: "git fsck --full"
        case .empty: "git add --all && git commit"
        }
    }
}

extension [UInt8] {
    /// In quotes, as shown to people.
    var quoted: String { "“\(String(decoding: self, as: UTF8.self).shown(limit: 200))”" }

    /// As one word for a shell; what cannot be shown stays escaped, so that the word may need to be typed otherwise.
    var shellQuoted: String {
        let text = String(decoding: self, as: UTF8.self).shown(limit: 200)
        let plain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "._-/+@".utf8.contains(byte)
            }
        }
        guard !plain else { return text }
        let parts = text.split(separator: "'", omittingEmptySubsequences: false)
        return "'" + parts.joined(separator: "'\\''") + "'"
    }
}
