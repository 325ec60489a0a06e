import Testing

@testable import DeployPipeline

@Suite("LogLine's shapes")
struct LogLineTests {
    @Test("Every line looks as the pusher knows it")
    func golden() {
        let lines = [
            LogLine.headline("pmo: deploying 4f2c9ab (main) by alice", right: "deploy 118"),
            LogLine.step("Export", "809 files, 14.2 MB", right: "0.04 s"),
            LogLine.step("Configure", "3 values", right: nil),
            LogLine.step("Check", "api GET /api/health 200 in 38 ms", right: "3.4 s"),
            LogLine.step("Switch", "9d01c77 -> 4f2c9ab", right: "0.4 ms"),
            LogLine.below("added 809 packages"),
            LogLine.below("built", right: "41.2 s"),
            LogLine.live("Live: https://app.example.org", right: "total 48.1 s"),
            LogLine.failure("failed in check: GET /health answered 500"),
        ]
        #expect(
            lines.joined(separator: "\n") == """
                -----> pmo: deploying 4f2c9ab (main) by alice         deploy 118
                -----> Export   809 files, 14.2 MB                        0.04 s
                -----> Configure3 values
                -----> Check    api GET /api/health 200 in 38 ms           3.4 s
                -----> Switch   9d01c77 -> 4f2c9ab                        0.4 ms
                       added 809 packages
                       built                                              41.2 s
                =====> Live: https://app.example.org                total 48.1 s
                 !     failed in check: GET /health answered 500
                """)
    }

    @Test("A right-hand side ends at column 64, or stands behind two spaces", arguments: 0...90)
    func width(_ length: Int) {
        let left = String(repeating: "é", count: length)
        let line = LogLine.below(left, right: "1.5 s")
        #expect(line.hasSuffix("  1.5 s"))
        #expect(line.hasPrefix("       " + left))
        #expect(line.count == max(LogLine.width, 7 + length + 2 + 5))
        #expect(LogLine.below(left) == "       " + left)
    }

    @Test("A44: a line of others cannot look like one of ours")
    func forged() {
        for text in ["=====> Live: http://evil", "-----> Switch", " !     failed"] {
            #expect(LogLine.below(text) == "       " + text)
        }
    }

    @Test(
        "A length of time is told in its largest unit",
        arguments: [
            (0, "0.0 s"), (0.25, "0.3 s"), (9.9, "9.9 s"), (10, "10 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"),
            (3600, "1 h"), (172_799, "47 h"), (172_800, "2 d"), (864_000, "10 d"),
        ])
    func length(_ seconds: Double, _ text: String) { #expect(Moment.length(seconds) == text) }
}
