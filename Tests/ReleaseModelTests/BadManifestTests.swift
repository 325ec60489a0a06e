import Glibc
import ReleaseModel
import Testing

@Suite("A manifest that breaks a rule is refused")
struct BadManifestTests {
    @Test("A20–A29: a bad manifest is refused with its line and what would be right", arguments: BadManifest.all)
    func refused(_ bad: BadManifest) throws {
        let error = try #require(
            manifestError { () throws(ManifestError) in
                try Manifest.parse(bad.yaml, with: [".env.template": "", "src/a.js": ""])
            })
        let problem = error.problems.first { $0.problem.contains(bad.says) }
        #expect(problem != nil, "said: \(error.description.prefix(500))")
        if let line = bad.line { #expect(problem?.line == line, "said: \(error.description.prefix(500))") }
        #expect(error.outcome == .refused)
        #expect(!error.description.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x7f })
    }

    @Test("there are at least 120 bad manifests")
    func enough() { #expect(BadManifest.all.count >= 120) }

    @Test("all problems of a file are told together, in its order")
    func together() throws {
        let yaml = "app: X\nkeep: 0\nservices:\n  web: { comand: x }\nsites:\n  a.example: { routes: { /: api } }"
        let error = try #require(manifestError { () throws(ManifestError) in try Manifest.parse(yaml) })
        #expect(error.problems.map(\.line) == [1, 2, 4, 4, 6])
        #expect(error.line == 1)
        #expect(error.description.split(separator: "\n").allSatisfy { $0.hasPrefix("pmo-release.yml:") })
        #expect(error.hint == "pmo-release check")
    }

    @Test("at most ten problems are shown, and how many more there are")
    func atMostTen() throws {
        let yaml = "services: {}\n" + (1...13).map { "key\($0): 1\n" }.joined()
        let error = try #require(manifestError { () throws(ManifestError) in try Manifest.parse(yaml) })
        #expect(error.problems.count == 13)
        #expect(error.description.split(separator: "\n").count == 11)
        #expect(error.description.hasSuffix("… and 3 more"))
    }

    @Test("text that is not UTF-8 is refused with its line")
    func notUTF8() throws {
        var tree = FileTree([:])
        tree.files["pmo-release.yml"] = Array("app: x\nkeep: ".utf8) + [0xff, 0x0a]
        let error = try #require(manifestError { () throws(ManifestError) in try Manifest.read(from: tree) })
        #expect(error.line == 2)
    }

    @Test("A26: bombs are refused within a second of processor time", arguments: Bomb.all)
    func bombs(_ bomb: Bomb) throws {
        let start = threadSeconds()
        let error = manifestError { () throws(ManifestError) in try Manifest.parse(bomb.yaml) }
        #expect(error != nil)
        #expect(threadSeconds() - start < 1)
    }

    private func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// A file that would cost much if it were read to its end.
struct Bomb: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let yaml: String

    static let all = [
        Bomb(
            "aliases of aliases",
            "a: &a [x]\n" + (1...20).map { "b\($0): &b\($0) [*a,*a,*a,*a,*a,*a,*a,*a]\n" }.joined()),
        Bomb("aliases in keys", "a: &a x\n? [*a, *a, [*a, *a]]\n: 1\n"),
        Bomb("open braces", String(repeating: "{", count: 250_000)),
        Bomb("nested lists in a line", String(repeating: "- ", count: 120_000)),
        Bomb("nested keys in a line", String(repeating: "? ", count: 120_000)),
        Bomb("open mappings", String(repeating: "a: {", count: 60_000)),
        Bomb("exclamation marks", String(repeating: "!", count: 250_000)),
        Bomb("quotes", String(repeating: "\"", count: 250_000)),
        Bomb("one key, often", String(repeating: "k: v\n", count: 50_000)),
        Bomb("many keys", (1...25_000).map { "k\($0): 1\n" }.joined()),
        Bomb("lists side by side", "x: " + String(repeating: "[[], ", count: 50_000)),
        Bomb("a long flow list", "x: [" + String(repeating: "a,", count: 120_000)),
        Bomb("a long flow mapping", "x: {" + String(repeating: "a,", count: 120_000)),
        Bomb("one long word", String(repeating: "a", count: 250_000)),
        Bomb("colons", String(repeating: "a:", count: 120_000)),
        Bomb("empty lines", String(repeating: "\n", count: 250_000)),
        Bomb("comments", String(repeating: "#\n", count: 120_000)),
        Bomb("documents", String(repeating: "---\n", count: 60_000)),
        Bomb("percents", String(repeating: "%A B\n", count: 50_000)),
        Bomb("list items", "x:\n" + String(repeating: "- a\n", count: 60_000)),
        Bomb("stairs", (0...190).map { String(repeating: " ", count: $0) + "a:\n" }.joined()),
        Bomb("deep stairs", (0...600).map { String(repeating: " ", count: $0) + "a:\n" }.joined()),
        Bomb("unknown keys, as many as are read", (1...9_000).map { "k\($0): 1\n" }.joined()),
        Bomb("services, as many as are read", "services:\n" + (1...9_000).map { "  k\($0): {}\n" }.joined()),
        Bomb("unknown keys", (1...20_000).map { "key_number_\($0)\n" }.joined(separator: ": 1\n")),
    ]

    init(_ testDescription: String, _ yaml: String) {
        self.testDescription = testDescription
        self.yaml = yaml
    }
}
