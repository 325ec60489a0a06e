import ReleaseModel
import Synchronization
import SystemPackage
import Testing

@testable import HostControl

@Suite("A stream of lines")
struct StreamTests {
    private final class Lines: Sendable {
        private let kept = Mutex<[String]>([])
        func take(_ line: String) { kept.withLock { $0.append(line) } }
        var all: [String] { kept.withLock { $0 } }
    }

    private func lines(_ script: String) async throws -> [String] {
        let lines = Lines()
        let result = try await ProcessRunner().stream(.script(script), within: .seconds(60)) { lines.take($0) }
        #expect(result.succeeded, "\(result)")
        return lines.all
    }

    @Test("Lines come one by one from both outputs in their order, the last one without an end too")
    func plain() async throws {
        #expect(try await lines("echo a; echo b >&2; echo; printf c") == ["a", "b", "", "c"])
        #expect(try await lines("true") == [])
    }

    @Test("Lines come while the program runs")
    func live() async throws {
        let lines = Lines()
        try await withDirectory { directory in
            let go = directory.appending("go")
            async let result = ProcessRunner().stream(
                .script("echo first; while [ ! -e \"$1\" ]; do sleep 0.05; done; echo second", go.string),
                within: .seconds(60)
            ) { lines.take($0) }
            #expect(await eventually { lines.all == ["first"] })
            try go.write("")
            #expect(try await result.succeeded)
            #expect(lines.all == ["first", "second"])
        }
    }

    @Test("A carriage return ends a line as well, without empty lines of a progress bar or of CRLF")
    func returns() async throws {
        #expect(try await lines(#"printf '10%%\r20%%\r\r\r100%%\n'"#) == ["10%", "20%", "100%"])
        #expect(try await lines(#"printf 'a\r\nb\r\n\r\nc\n\nd'"#) == ["a", "b", "", "c", "", "d"])
    }

    @Test("A44: a megabyte without a newline comes in pieces of at most 4,096 bytes")
    func endless() async throws {
        let lines = try await lines("head -c 1000000 /dev/zero | tr '\\0' x")
        #expect(lines.allSatisfy { $0.utf8.count <= 4096 })
        #expect(lines.map(\.utf8.count).reduce(0, +) == 1_000_000)
    }

    @Test("A character on the border of two pieces stays whole")
    func wholeCharacters() async throws {
        let lines = try await lines("printf x; head -c 9000 /dev/zero | tr '\\0' x | sed 's/x/é/g'")
        #expect(lines.joined() == "x" + String(repeating: "é", count: 9000))
        #expect(lines.allSatisfy { $0.utf8.count <= 4096 })
    }

    @Test("A44, A10: colours are dropped, every other control character is made visible")
    func controls() async throws {
        #expect(try await lines(#"printf '\033[1;32mgreen\033[0m \033[mplain\n'"#) == ["green plain"])
        #expect(
            try await lines(#"printf '\033[2J\033[1A\033]0;title\007x\010\177\n'"#)
                == [#"\x1b[2J\x1b[1A\x1b]0;title\x07x\x08\x7f"#])
        #expect(try await lines(#"printf 'a\tb\0c\n'"#) == [#"a b\x00c"#])
        #expect(try await lines(#"printf '\342\200\256x\n'"#) == [#"\u{202e}x"#])
        #expect(try await lines(#"printf '\033[31'"#) == [#"\x1b[31"#])
        #expect(try await lines(#"printf '\377\376\n'"#) == ["\u{fffd}\u{fffd}"])
    }

    @Test("Cuts do not depend on how the bytes arrive")
    func splitting() {
        let bytes = Array("one\r\ntwo\r\rthree\n\nfour é \u{1b}[1mbold\u{1b}[0m".utf8)
        var whole = LineSplitter()
        let expected = whole.append(bytes) + [whole.end()].compactMap { $0 }
        #expect(expected == ["one", "two", "three", "", "four é bold"])
        for size in 1...7 {
            var splitter = LineSplitter()
            var lines: [String] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                lines += splitter.append(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(lines + [splitter.end()].compactMap { $0 } == expected)
        }
    }

    @Test("F23: the time limit holds for a program that keeps writing")
    func limit() async throws {
        let lines = Lines()
        let result = try await ProcessRunner().stream(.script("exec yes"), within: .milliseconds(300)) { line in
            if lines.all.isEmpty { lines.take(line) }
        }
        #expect(result.timedOut)
        #expect(lines.all == ["y"])
    }
}
