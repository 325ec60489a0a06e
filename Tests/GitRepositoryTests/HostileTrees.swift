import Testing

@testable import GitRepository

/// A tree that must be refused, and the rule that must refuse it.
struct HostileTree: Sendable, CustomTestStringConvertible {
    let rule: TreeRule
    let entries: [Planted]
    let name: String
    var testDescription: String { "\(rule.rawValue) \(name)" }

    init(_ rule: TreeRule, _ name: String, _ entries: [Planted]) {
        self.rule = rule
        self.entries = entries
        self.name = String(name.flatMap { $0.unicodeScalars }.map { $0.escaped(asASCII: true) }.joined().prefix(60))
    }

    static let all =
        reserved + reservedLinks + components + foreign + links + distantLinks + duplicates + submodules + modes
        + lengths
        + empty

    /// A01
    private static let reserved: [HostileTree] =
        gitSpellings.flatMap { name in
            [
                HostileTree(.reservedName, name, [.file(name)]),
                HostileTree(.reservedName, "below: \(name)", [Planted.directory(name, [.file("config")]).nested(3)]),
            ]
        } + pmoSpellings.map { HostileTree(.reservedName, $0, [.directory($0, [.file("release.json")])]) }

    private static let reservedLinks: [HostileTree] = [".git", ".pmo"].map { name in
        HostileTree(.reservedName, "\(name) as a symlink", [.link(name, to: "a"), .file("a")])
    }

    private static let gitSpellings = [
        ".git", ".GIT", ".Git", ".gIt", "git~1", "GIT~1", "GiT~1", "git~2", "git~1.", "git~1:x", ".git.", ".git..",
        ".git ", ".git . .", ".git .", ".git:stream", ".git::$INDEX_ALLOCATION", ".git\\x", ".GIT...:x",
        ".g\u{200c}it", "\u{200d}.git", ".git\u{200e}", ".gi\u{200f}t", ".\u{202a}git", ".g\u{202b}it", ".g\u{202e}it",
        ".\u{206a}git", ".gi\u{206f}t", "\u{feff}.git", ".G\u{200c}I\u{200d}T\u{feff}", "\u{200c}.git\u{200c}.",
    ]
    private static let pmoSpellings = [".pmo", ".PMO", ".pmo.", ".pmo ", ".pmo:x", ".p\u{200c}mo", "\u{feff}.pmo"]

    /// A02
    private static let components: [HostileTree] = [
        "..", ".", "", "/", "/etc/passwd", "a/b", "../x", "a/", ".\u{200c}.", "..\u{feff}",
    ].flatMap { name in
        [
            HostileTree(.component, "“\(name)”", [.file(name)]),
            HostileTree(.component, "d/“\(name)”", [.directory("d", [.directory(name, [.file("a")])])]),
        ]
    }

    /// A03
    private static let foreign: [HostileTree] = ["a\\b", "\\", "..\\x", "\\\\host\\share", "C:", "c:x", "Z:\\x"].map {
        HostileTree(.foreignName, $0, [.directory("d", [.file($0)])])
    }

    /// A04, and the links of A06 that lead into /proc and /dev
    private static let links: [HostileTree] = [
        "/", "/etc/passwd", "/proc/self/environ", "/dev/zero", "//x", "..", "../x", "../../x", "./../x", ".//..//x",
        "a/../../x", "a/../b", "a/..", ".pmo/env", "./.pmo/env", "a/.PMO/x", "", "a\u{0}b",
    ].map { HostileTree(.link, "-> \($0)", [.file("a"), .link("l", to: $0)]) }

    private static let distantLinks: [HostileTree] = [
        HostileTree(.link, "d/d/l -> ../../../x", [Planted.link("l", to: "../../../x").nested(2)]),
        HostileTree(.link, "target of 4,096 bytes", [.link("l", to: String(repeating: "a", count: 4096))]),
        // Each stays in the tree by itself; together they lead out of it.
        HostileTree(
            .link, "l -> d/d/s/.. over s -> ../..",
            [Planted.link("s", to: "../..").nested(2), .link("l", to: "d/d/s/..")]),
    ]

    /// A05
    private static let duplicates: [HostileTree] = [
        HostileTree(.duplicate, "two files", [.file("a", "1"), .file("a", "2")]),
        HostileTree(.duplicate, "symlink and tree", [.link("a", to: "b"), .directory("a", [.file("x")]), .file("b")]),
        HostileTree(.duplicate, "tree and symlink", [.directory("a", [.file("x")]), .link("a", to: "b")]),
        HostileTree(.duplicate, "file and tree apart", [.file("a"), .file("a.b"), .directory("a", [.file("x")])]),
        HostileTree(
            .duplicate, "two trees below", [Planted.directory("a", []).nested(0), .directory("a", [.file("x")])]),
        HostileTree(.duplicate, "below", [.directory("d", [.file("x"), .file("y"), .file("x")])]),
    ]

    private static let someID = String(repeating: "1", count: 40)

    /// A07
    private static let submodules: [HostileTree] = [
        HostileTree(.submodule, "root", [.file("a"), .entry("sub", mode: "160000", id: someID)]),
        HostileTree(.submodule, "below", [Planted.entry("sub", mode: "160000", id: someID).nested(3)]),
        HostileTree(.submodule, "named -x", [.entry("-x", mode: "160000", id: someID)]),
    ]

    /// A08
    private static let modes: [HostileTree] = [
        "20666", "60666", "10644", "140755", "0", "644", "755", "777", "130000", "150000", "7",
    ].map { HostileTree(.mode, $0, [.file("a", mode: $0)]) }

    /// A09
    private static let lengths: [HostileTree] = [
        HostileTree(.length, "name of 256 bytes", [.file(String(repeating: "n", count: 256))]),
        HostileTree(.length, "directory of 256 bytes", [.directory(String(repeating: "n", count: 256), [.file("a")])]),
        HostileTree(.length, "name of 70,000 bytes", [.directory("d", [.file(String(repeating: "n", count: 70_000))])]),
        HostileTree(.length, "depth of 129", [Planted.file("a").nested(128)]),
        HostileTree(.length, "depth of 129 without a file", [Planted.directory("e", []).nested(128)]),
        HostileTree(.length, "path of 4,097 bytes", [path(of: 4097)]),
    ]

    /// Directories with names of 200 bytes, with a shorter one at the end.
    static func path(of bytes: Int) -> Planted {
        let directories = (bytes - 1) / 201
        let rest = bytes - directories * 201
        let name = String(repeating: "n", count: 200)
        let file = Planted.file(String(repeating: "e", count: rest))
        return (0..<directories).reduce(file) { inner, _ in .directory(name, [inner]) }
    }

    private static let empty: [HostileTree] = [
        HostileTree(.empty, "nothing", []),
        HostileTree(.empty, "only an empty directory", [.directory("d", [])]),
    ]
}
