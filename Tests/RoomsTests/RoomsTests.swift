import Foundation
import Testing

/// The table of the rooms: what each may import of ours. Arrows go down only.
private let rooms: [String: Set<String>] = [
    "CLibgit2": [],
    "CDeflate": [],
    "CZlib": [],
    "CLinux": [],
    "FailPoints": [],
    "ReleaseModel": [],
    "GitRepository": ["CLibgit2", "CDeflate", "CZlib", "ReleaseModel"],
    "ReleaseStore": ["CLinux", "FailPoints", "ReleaseModel"],
    "SiteTemplates": ["ReleaseModel"],
    "HostControl": ["CLinux", "ReleaseModel"],
    "DeployPipeline": [
        "FailPoints", "ReleaseModel", "GitRepository", "ReleaseStore", "SiteTemplates", "HostControl",
    ],
    "ReleaseCommands": [
        "FailPoints", "ReleaseModel", "GitRepository", "ReleaseStore", "SiteTemplates", "HostControl",
        "DeployPipeline",
    ],
    "HostCertificates": ["ReleaseModel", "HostControl"],
    "SiteControl": [
        "FailPoints", "ReleaseModel", "ReleaseStore", "SiteTemplates", "HostControl", "HostCertificates",
    ],
    "Dashboard": ["ReleaseModel", "ReleaseStore"],
    "pmo-release": ["ReleaseCommands"],
    "post-receive": ["ReleaseCommands"],
    "pmo-release-root": ["SiteControl"],
]

@Suite("Rooms")
struct RoomsTests {
    @Test("Every directory of Sources is a room of the table")
    func everyRoomIsKnown() throws {
        let found = try FileManager.default.contentsOfDirectory(atPath: Self.sources)
        #expect(found.count >= 10)
        #expect(found.filter { rooms[$0] == nil } == [])
    }

    @Test("A room imports only rooms below it", arguments: rooms.keys.sorted())
    func arrowsGoDown(_ room: String) throws {
        let allowed = rooms[room, default: []]
        for line in try Self.imports(of: room) where rooms[line.module] != nil {
            #expect(allowed.contains(line.module), "\(line.file):\(line.number) imports \(line.module)")
        }
    }

    @Test(
        "Only the rooms of the table touch a C library",
        arguments: [
            ("CLibgit2", ["GitRepository"]), ("CDeflate", ["GitRepository"]), ("CZlib", ["GitRepository"]),
            ("CLinux", ["HostControl", "ReleaseStore"]),
        ])
    func cIsQuarantined(_ library: String, _ owners: [String]) throws {
        let users = try rooms.keys.filter { try Self.imports(of: $0).contains { $0.module == library } }
        #expect(users.sorted() == owners)
    }

    @Test("The model does no input or output")
    func modelIsPure() throws {
        let foreign = try Set(Self.imports(of: "ReleaseModel").map(\.module))
        #expect(foreign.isSubset(of: ["Yams", "FoundationEssentials"]))
    }

    @Test("The table has no way back up")
    func tableHasNoCycle() {
        var open = rooms
        while let next = open.first(where: { $0.value.allSatisfy { open[$0] == nil } }) { open[next.key] = nil }
        #expect(open.isEmpty)
    }

    @Test(
        "Every form of an import is read",
        arguments: [
            "import Glibc", "public import Glibc", "@testable import Glibc", "@preconcurrency public import Glibc",
            "import struct Glibc.stat", "  internal import Glibc // why", "import Glibc;",
        ])
    func importsAreRead(_ line: String) { #expect(Self.module(in: line) == "Glibc") }

    @Test(
        "What is no import is passed over",
        arguments: ["// import Glibc", "let text = \"import Glibc\"", "important()"])
    func othersArePassedOver(_ line: String) { #expect(Self.module(in: line) == nil) }

    private struct Import {
        let file: String
        let number: Int
        let module: String
    }

    /// The package's root is two directories above this file's.
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources").path

    private static func imports(of room: String) throws -> [Import] {
        let directory = "\(sources)/\(room)"
        guard let files = FileManager.default.enumerator(atPath: directory) else { return [] }
        var found: [Import] = []
        for case let file as String in files where file.hasSuffix(".swift") {
            let text = try String(contentsOfFile: "\(directory)/\(file)", encoding: .utf8)
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                guard let module = module(in: String(line)) else { continue }
                found.append(Import(file: "\(room)/\(file)", number: index + 1, module: module))
            }
        }
        return found
    }

    /// The module of `[@attribute …] [access] import [kind] Module[.name]`.
    private static func module(in line: String) -> String? {
        var words = line.split(whereSeparator: { " \t;".contains($0) })[...]
        let access: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
        while let word = words.first, word.hasPrefix("@") || access.contains(word) { words.removeFirst() }
        guard words.popFirst() == "import" else { return nil }
        let kinds: Set<Substring> = ["typealias", "struct", "class", "enum", "protocol", "let", "var", "func"]
        if let word = words.first, kinds.contains(word) { words.removeFirst() }
        return words.first.flatMap { $0.split(separator: ".").first }.map(String.init)
    }
}
