import Glibc
import ReleaseModel
import Testing

@testable import ReleaseCommands

@Suite("PacketLine and PacketReader")
struct UnitPacketTests {
    @Test("A text gets its length in front, the four digits included")
    func encode() {
        #expect(PacketLine.encode("") == Array("0004".utf8))
        #expect(PacketLine.encode("version=1") == Array("000dversion=1".utf8))
        #expect(PacketLine.encode("é") == Array("0006é".utf8))
        #expect(PacketLine.flush == Array("0000".utf8))
        let longest = PacketLine.encode(String(repeating: "x", count: 70_000))
        #expect(longest.count == 65_520)
        #expect(longest.prefix(4) == Array("fff0".utf8)[...])
    }

    @Test("A header is a length or a flush", arguments: [("0000", nil), ("0004", 0), ("000d", 9), ("FFF0", 65_516)])
    func length(_ header: String, _ length: Int?) throws {
        #expect(try PacketLine.length(Array(header.utf8)) == length)
    }

    @Test(
        "What is no length is malformed",
        arguments: [
            "0001", "0002", "0003", "fff1", "ffff", "+00d", "-001", " 00d", "00 d", "0x0d", "000g", "", "000", "00000",
        ])
    func malformed(_ header: String) {
        #expect(throws: PacketError.self) { try PacketLine.length(Array(header.utf8)) }
    }

    /// What a reader makes of some bytes that end there.
    private func sections(_ bytes: [UInt8], count: Int = 1) throws -> [[String]] {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (output, input) = (ends[0], ends[1])
        defer { close(output) }
        #expect(write(input, bytes, bytes.count) == bytes.count)
        close(input)
        let reader = PacketReader(descriptor: output)
        return try (0..<count).map { _ in try reader.section() }
    }

    @Test("A section ends at its flush, and leaves the next one alone")
    func section() throws {
        let bytes =
            ["one\n", "", "two", "three\n\n"].flatMap(PacketLine.encode) + PacketLine.flush + PacketLine.flush
            + PacketLine.encode("next") + PacketLine.flush
        #expect(try sections(bytes, count: 3) == [["one", "", "two", "three\n"], [], ["next"]])
    }

    @Test("A payload that comes in pieces is put together")
    func pieces() async throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (output, input) = (ends[0], ends[1])
        defer { close(output) }
        let bytes = PacketLine.encode("slowly") + PacketLine.flush
        let writer = Task.detached {
            for byte in bytes {
                #expect(write(input, [byte], 1) == 1)
                try? await Task.sleep(for: .milliseconds(2))
            }
            close(input)
        }
        #expect(try PacketReader(descriptor: output).section() == ["slowly"])
        await writer.value
    }

    @Test("An end in the middle is told", arguments: ["", "00", "000d", "000dversion", "0006ab", "0006ab0"])
    func ended(_ text: String) {
        #expect {
            try sections(Array(text.utf8))
        } throws: {
            guard case .ended = $0 as? PacketError else { return false }
            return true
        }
    }

    @Test("Garbage is told as that", arguments: ["SSH-2.0-x", "0003", "fffffff", "0006ab\n\n\n\n"])
    func garbage(_ text: String) {
        #expect {
            try sections(Array(text.utf8))
        } throws: {
            guard case .malformed = $0 as? PacketError else { return false }
            return true
        }
    }
}

@Suite("PushRules and PushOptions")
struct UnitPushTests {
    private static let zero = String(repeating: "0", count: 40)
    private static let one = String(repeating: "1", count: 40)
    private static let two = String(repeating: "2", count: 40)
    private let rules: PushRules

    init() throws { rules = PushRules(app: try AppName("pmo"), branch: try BranchName("main")) }

    private func update(_ reference: String, from old: String = one, to new: String = two) throws -> RefUpdate {
        try #require(RefUpdate("\(old) \(new) \(reference)"))
    }

    @Test("A new commit on the app's branch deploys, the first one too")
    func accepted() throws {
        #expect(try rules.commit(of: [update("refs/heads/main")]).text == Self.two)
        #expect(try rules.commit(of: [update("refs/heads/main", from: Self.zero)]).text == Self.two)
    }

    @Test(
        "A19: a deletion is refused, of whatever ref", arguments: ["refs/heads/main", "refs/tags/v1", "refs/replace/1"])
    func deletion(_ reference: String) throws {
        let update = try update(reference, to: Self.zero)
        #expect(throws: PushError.deleted(reference, rules.branch)) { try rules.commit(of: [update]) }
    }

    @Test("A19: a tag does not deploy, and the hint says what would")
    func tag() throws {
        let update = try update("refs/tags/v1.0")
        let error = #expect(throws: PushError.self) { try rules.commit(of: [update]) }
        #expect(error == .tag("refs/tags/v1.0", rules.branch))
        #expect(error?.hint == "git push production v1.0^{commit}:refs/heads/main")
    }

    @Test(
        "A19, A35: every ref but the branch's own is refused",
        arguments: [
            "refs/heads/other", "refs/heads/main/x", "refs/heads/Main", "refs/heads/mai", "refs/heads/main ",
            "refs/main",
            "main", "HEAD", "", "refs/replace/\(one)", "refs/notes/commits", "refs/remotes/origin/main", "refs/stash",
            "refs/heads/../heads/main", "refs/heads/--upload-pack=x", "refs/heads/-main", "refs/heads/$(id)",
            "refs/heads/main\u{0}", "refs/heads/ma\u{ad}in", "refs/for/main",
        ])
    func otherRef(_ reference: String) throws {
        let update = try update(reference)
        let error = #expect(throws: PushError.self) { try rules.commit(of: [update]) }
        #expect(error == .otherBranch(reference, rules.branch, rules.app))
        #expect(error?.outcome == .refused)
    }

    @Test("A branch's hint is the command that works")
    func hint() throws {
        let error = PushError.otherBranch("refs/heads/feature/x", rules.branch, rules.app)
        #expect(error.description == "pmo deploys main, not feature/x")
        #expect(error.hint == "git push production feature/x:main")
    }

    @Test(
        "A35: no hint holds an option, or a command for a shell",
        arguments: [
            ("--upload-pack=x", "'refs/heads/--upload-pack=x:main'"), ("-f", "'refs/heads/-f:main'"),
            ("$(id)", "'refs/heads/$(id):main'"), ("a;id", "'refs/heads/a;id:main'"),
            ("a'b`id`", #"'refs/heads/a'\''b`id`:main'"#), ("a\u{1b}[2J", #"'refs/heads/a\x1b[2J:main'"#),
        ])
    func hostileHint(_ name: String, _ word: String) {
        let error = PushError.otherBranch("refs/heads/\(name)", rules.branch, rules.app)
        #expect(error.hint == "git push production \(word)")
        #expect(!error.description.contains("\u{1b}"))
    }

    @Test("Several refs at once, the same one twice, or none are refused")
    func several() throws {
        let main = try update("refs/heads/main")
        #expect(throws: PushError.nothing(rules.branch)) { try rules.commit(of: []) }
        #expect(throws: PushError.nothing(rules.branch)) { try rules.commit(of: [main, main]) }
        let tag = try update("refs/tags/v1")
        #expect(throws: PushError.tag("refs/tags/v1", rules.branch)) { try rules.commit(of: [main, tag]) }
    }

    @Test(
        "A line of git's that is no update is none",
        arguments: ["", "a b c", "\(one) \(two)", "\(one)  \(two) refs/heads/main"])
    func noUpdate(_ line: String) { #expect(RefUpdate(line) == nil) }

    @Test("A34: options are typed")
    func options() throws {
        #expect(try PushOptions.parse([]) == [])
        #expect(try PushOptions.parse(["plan", "no-cache", "skip-migrate"]) == Set(PushOption.allCases))
        #expect(try PushOptions.parse(["plan", "plan"]) == [.plan])
    }

    @Test(
        "A34: an unknown option is refused by name",
        arguments: ["", "Plan", "plan ", "--plan", "plan=1", "no_cache", "a\u{1b}b"])
    func unknownOption(_ word: String) {
        let error = #expect(throws: PushError.self) { try PushOptions.parse(["plan", word]) }
        #expect(error == .unknownOption(word))
        #expect(error?.description.contains("\u{1b}") == false)
        #expect(error?.hint == "the options are: plan, no-cache, skip-migrate")
    }

    @Test("A34: more options than there are, are refused unread")
    func tooMany() {
        #expect(throws: PushError.tooManyOptions) { try PushOptions.parse(Array(repeating: "plan", count: 4)) }
    }

    @Test("A34: options come from git's variables, as many as it counts")
    func fromEnvironment() throws {
        let values = ["GIT_PUSH_OPTION_COUNT": "2", "GIT_PUSH_OPTION_0": "plan", "GIT_PUSH_OPTION_1": "no-cache"]
        #expect(try PushOptions.fromEnvironment { values[$0] } == [.plan, .noCache])
        #expect(try PushOptions.fromEnvironment { _ in nil } == [])
        #expect(try PushOptions.fromEnvironment { $0 == "GIT_PUSH_OPTION_COUNT" ? "0" : nil } == [])
        #expect(throws: PushError.unknownOption("")) {
            try PushOptions.fromEnvironment { $0 == "GIT_PUSH_OPTION_COUNT" ? "1" : nil }
        }
    }

    @Test("A34: a count that is none is refused", arguments: ["", "x", "-1", "4", "99999999999999999999", "1e1"])
    func badCount(_ count: String) {
        #expect(throws: PushError.tooManyOptions) {
            try PushOptions.fromEnvironment { $0 == "GIT_PUSH_OPTION_COUNT" ? count : "plan" }
        }
    }

    @Test("A program's name and arguments make a hook, or a command")
    func hook() {
        #expect(Hook(program: "post-receive", arguments: []) == .postReceive)
        #expect(Hook(program: "pre-receive", arguments: []) == .preReceive)
        #expect(Hook(program: "proc-receive", arguments: []) == .procReceive)
        #expect(Hook(program: "post-receive", arguments: ["pre-receive"]) == .preReceive)
        #expect(Hook(program: "post-receive", arguments: ["proc-receive"]) == .procReceive)
        for arguments in [["create"], ["deploy-worker", "pmo", "1"], ["pre-receive", "x"], [""], ["--help"]] {
            #expect(Hook(program: "post-receive", arguments: arguments) == nil)
        }
        #expect(Hook(program: "pmo-release", arguments: ["pre-receive"]) == nil)
        #expect(Hook(program: "", arguments: []) == nil)
        #expect(Hook(program: "update", arguments: []) == nil)
    }
}
