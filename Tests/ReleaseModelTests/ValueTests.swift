import ReleaseModel
import Testing

@Suite("Values are checked where they are made")
struct ValueTests {
    @Test(
        "A20, A21: app names that would be paths, options or commands are refused",
        arguments: [
            "", "-rf", "a-", "a--b", "A", "1a", "a_b", "a.b", "..", "a/b", "a b", "a;b", "a\n", "\u{e9}", "localhost",
            "default",
            String(repeating: "a", count: 41),
        ])
    func badApp(_ name: String) { #expect(throws: InvalidValue.self) { try AppName(name) } }

    @Test("app names", arguments: ["a", "pmo", "pmo-staging", "a1-2-b", String(repeating: "a", count: 40)])
    func app(_ name: String) throws { #expect(try AppName(name).text == name) }

    @Test(
        "A35: branches that would be options or break a ref are refused",
        arguments: [
            "", "-x", "--upload-pack=x", ".a", "a..b", "a/", "a.", "a.lock", "a//b", "a/.b", "a@{b", "a b", "a\nb",
            "a~1", "a^", "a:b", "a*",
            "a\\b", "@",
        ])
    func badBranch(_ name: String) { #expect(throws: InvalidValue.self) { try BranchName(name) } }

    @Test(
        "A01–A03, A28: paths that leave the release are refused",
        arguments: [
            "", "/", "/etc", "..", "a/..", "../../etc", "a//b", "a/./b", "a\\b", "a\nb", "a\u{0}b", ".git", "a/.GIT/b",
            ".pmo", "x/.Pmo",
            String(repeating: "a", count: 256), String(repeating: "a/", count: 2049),
        ])
    func badPath(_ path: String) { #expect(throws: InvalidValue.self) { try ReleasePath(path) } }

    @Test(
        "paths lose a leading “./” and a slash at the end",
        arguments: [
            ("a", "a"), ("./a/", "a"), ("a/b", "a/b"), (".", "."), ("./", "."), (".env", ".env"), ("a b", "a b"),
        ])
    func path(_ given: String, _ text: String) throws { #expect(try ReleasePath(given).text == text) }

    @Test(
        "A22: domains that would end a directive are refused",
        arguments: [
            "10.0.0.1", "app.example.1", "7", "", "a;b", "A.example", "a..b", ".a", "a.", "-a", "a-", "a b", "a\nb",
            "*.a", "a_b", "a/b", "a:80", "\"a\"",
            "$host", "\u{e4}.example",
            String(repeating: "a.", count: 127) + "aa",
        ])
    func badDomain(_ name: String) { #expect(throws: InvalidValue.self) { try Domain(name) } }

    @Test(
        "times",
        arguments: [
            ("0s", 0), ("500ms", 500), ("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000), ("30d", 2_592_000_000),
        ])
    func time(_ text: String, _ milliseconds: Int) throws { #expect(try TimeLimit(text).milliseconds == milliseconds) }

    @Test(
        "what is no time",
        arguments: ["", "s", "30", "1.5s", "-1s", " 1s", "1 s", "31d", "9999999999s", "1w", "\u{663}s"])
    func badTime(_ text: String) { #expect(throws: InvalidValue.self) { try TimeLimit(text) } }

    @Test(
        "sizes", arguments: [("1", 1), ("4K", 4096), ("512M", 536_870_912), ("2G", 2_147_483_648), ("1024G", 1 << 40)])
    func size(_ text: String, _ bytes: Int) throws { #expect(try ByteSize(text).bytes == bytes) }

    @Test("what is no size", arguments: ["", "0", "K", "1.5G", "-1", "1025G", "1T", "1 M", "512m", "99999999999999"])
    func badSize(_ text: String) { #expect(throws: InvalidValue.self) { try ByteSize(text) } }

    @Test("releases are named by commit and build")
    func releaseName() throws {
        let commit = try CommitID(String(repeating: "4f2c9ab0", count: 5))
        #expect(ReleaseID(directoryName: commit.text) == ReleaseID(commit: commit))
        #expect(ReleaseID(directoryName: "\(commit).2")?.short == "4f2c9ab.2")
        for name in ["\(commit).1", "\(commit).02", "\(commit).x", "\(commit).", ".\(commit).partial", "", "x"] {
            #expect(ReleaseID(directoryName: name) == nil)
        }
        #expect(try CommitPrefix("4F2C9").matches(ReleaseID(commit: commit, build: 3)))
        #expect(try !CommitPrefix("4f2c.2").matches(ReleaseID(commit: commit, build: 3)))
    }

    @Test(
        "what is no prefix of a commit",
        arguments: ["", "4f2", "xyz1", "4f2c.0", "4f2c.", "4f2c.x", String(repeating: "a", count: 41)])
    func badPrefix(_ text: String) { #expect(throws: InvalidValue.self) { try CommitPrefix(text) } }

    @Test(
        "A10: control, bidirectional and invisible characters are shown escaped",
        arguments: [
            ("a\u{1b}[2J\u{7}", "a\\x1b[2J\\x07"), ("a\u{202e}b", "a\\u{202e}b"), ("a\tb\r\n", "a b\\x0d\\x0a"),
            ("\u{9b}1", "\\x9b1"),
            ("\u{2028}", "\\u{2028}"), ("\u{200b}", "\\u{200b}"),
            ("gr\u{fc}\u{df} \u{1f600}", "gr\u{fc}\u{df} \u{1f600}"),
        ])
    func shown(_ raw: String, _ text: String) { #expect(raw.shown() == text) }

    @Test("a long text is shown up to its limit")
    func shownLimit() { #expect("abcdef".shown(limit: 3) == "abc…") }

    @Test("counts, bytes and times as people read them")
    func readable() {
        #expect([0, 812, 14_200_000, 123_400_000].map(\.shownAsBytes) == ["0 B", "812 B", "14.2 MB", "123 MB"])
        #expect([0, 1, 1809].map { $0.counted("file") } == ["0 files", "1 file", "1,809 files"])
        #expect([1, 1000, -1_234_567].map(\.shownWithCommas) == ["1", "1,000", "-1,234,567"])
        #expect([0.05, -0.04, 12.345].map { $0.shown(decimals: 1) } == ["0.1", "0.0", "12.3"])
        #expect(
            [Duration.microseconds(20), .microseconds(400), .milliseconds(40), .seconds(48)].map(\.shown) == [
                "< 0.1 ms", "0.4 ms", "0.04 s", "48.0 s",
            ])
    }

    @Test(
        "what the product sets and what a tree may not set",
        arguments: [
            ("PORT", true, false), ("PMO_X", true, false), ("LD_PRELOAD", false, true), ("HOME", false, true),
            ("NODE_ENV", false, false),
        ])
    func keys(_ name: String, _ isReserved: Bool, _ isDangerous: Bool) throws {
        let key = try EnvironmentKey(name)
        #expect(key.isReserved == isReserved)
        #expect(key.isDangerous == isDangerous)
    }

    @Test(
        "a text becomes one word of a shell command",
        arguments: [
            ("a", "a"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$x", "'$x'"), ("'", "''\\'''"),
        ])
    func shellWord(_ text: String, _ word: String) { #expect(text.shellQuoted == word) }

    @Test("slots are 1, 2 and 3, and endpoints name their address")
    func slots() {
        #expect(SlotNumber(0) == nil && SlotNumber(4) == nil)
        #expect(SlotNumber.allCases.map(\.number) == [1, 2, 3])
        #expect([Endpoint.port(20001), .socket("/x/1.sock")].map(\.address) == ["127.0.0.1:20001", "unix:/x/1.sock"])
    }
}
