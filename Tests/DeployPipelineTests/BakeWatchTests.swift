import Foundation
import HostControl
import ReleaseModel
import SystemPackage
import Testing

@testable import DeployPipeline

@Suite("The watch after a switch")
struct BakeWatchTests {
    @Test("F29: one end is let pass, the next is not; each instance counts for itself")
    func ends() {
        var watch = BakeWatch()
        for process: Int32? in [7, 7, nil, nil, 8, 8] { watch.saw(process: process, of: "api.1.0", called: "api") }
        #expect(watch.problem == nil)
        for process: Int32? in [5, 6] { watch.saw(process: process, of: "api.1.1", called: "api") }
        #expect(watch.problem == nil)
        watch.saw(process: 9, of: "api.1.0", called: "api")
        #expect(watch.problem == "api ended 2 times")
        watch.saw(process: nil, of: "job.1.0", called: "job")
        #expect(watch.problem == "api ended 2 times", "the first reason stays")
    }

    @Test("An instance that is down at the first look has ended once")
    func down() {
        var watch = BakeWatch()
        watch.saw(process: nil, of: "job.1.0", called: "job")
        watch.saw(process: 3, of: "job.1.0", called: "job")
        #expect(watch.problem == nil)
        watch.saw(process: nil, lastEnd: .exited(4), of: "job.1.0", called: "job")
        #expect(watch.problem == "job ended 2 times, last with status 4")
    }

    @Test("A worker that a deploy has paused for its own, and that goes on, has not ended")
    func paused() {
        var watch = BakeWatch()
        for round: Int32 in 1...5 {
            watch.saw(process: round, of: "job.1.0", called: "job")
            watch.wasPaused("job.1.0")
            if round.isMultiple(of: 2) { watch.saw(process: nil, of: "job.1.0", called: "job") }
        }
        watch.wasPaused("new.1.0")
        watch.saw(process: nil, of: "new.1.0", called: "new")
        #expect(watch.problem == nil)
        for process: Int32? in [9, nil, 10, nil] { watch.saw(process: process, of: "job.1.0", called: "job") }
        #expect(watch.problem == "job ended 2 times")
    }

    @Test("F27: answers that stay away fail the third time in a row")
    func answers() {
        var watch = BakeWatch()
        for fault in ["answered 500", "answered 500", nil, "does not listen", "does not listen"] {
            watch.saw(answer: fault, of: "api.1.0", called: "api")
        }
        #expect(watch.problem == nil)
        watch.saw(answer: "answered 503", of: "api.1.0", called: "api")
        #expect(watch.problem == "api answered 503, 3 times in a row")
    }

    @Test("Errors count above a fifth of twenty requests")
    func errors() {
        var watch = BakeWatch()
        watch.saw(requests: 19, errors: 19)
        #expect(watch.problem == nil, "too few to tell")
        var fifth = BakeWatch()
        for _ in 0..<4 { fifth.saw(requests: 5, errors: 1) }
        #expect(fifth.problem == nil)
        fifth.saw(requests: 1, errors: 1)
        #expect(fifth.problem == "5 of 21 requests were answered with a status of 500 or above")
        for (limit, fails) in [(0, true), (23, true), (24, false), (100, false)] {
            var watch = BakeWatch(errorLimit: Percentage(percent: limit))
            watch.saw(requests: 21, errors: 5)
            #expect((watch.problem != nil) == fails, "\(limit) %")
        }
    }

    @Test("nginx's log tells a request's status and place, whatever its client sent")
    func log() throws {
        func parsed(_ line: String) -> [String]? {
            AccessLog.parsed(Substring(line)).map { ["\($0.status)", String($0.place)] }
        }
        let line =
            #"127.0.0.1 - - [25/Nov/2026:22:41:54 +0000] "GET /a HTTP/1.1" 502 157 "-" "curl/7.88" "/srv/x/slots/api/1""#
        #expect(parsed(line) == ["502", "/srv/x/slots/api/1"])
        #expect(parsed(#"::1 - a\x22b [x] "\x22 500 \x22" 400 0 "\x22" "" """#) == ["400", ""])
        for bad in ["", "\"\"\"\"\"\"\"\"", #"1 - - [x] "GET /" 200 1 "-" "-""#] { #expect(parsed(bad) == nil) }
    }

    @Test("Only what was written since the last look counts, of a place and below it, in whole lines")
    func looks() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("pmo-log-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: path) }
        func line(_ status: Int, _ place: String) -> String {
            "c - - [t] \"GET /\" \(status) 1 \"-\" \"-\" \"\(place)\"\n"
        }
        func append(_ text: String) throws {
            let file = try FileHandle(forWritingTo: path)
            try file.seekToEnd()
            try file.write(contentsOf: Data(text.utf8))
            try file.close()
        }
        try Data(line(500, "/s/1").utf8).write(to: path)
        var log = AccessLog(FilePath(path.path))
        #expect(log.look(at: ["/s/1"]) == (0, 0))
        try append(
            line(500, "/s/1") + line(200, "/s/1/web") + line(500, "/s/12") + line(500, "/s/2") + "c - - [t] \"GE")
        #expect(log.look(at: ["/s/1"]) == (2, 1))
        try append("T /\" 502 1 \"-\" \"-\" \"/s/1\"\n")
        #expect(log.look(at: ["/s/1"]) == (1, 1))
        #expect(log.look(at: ["/s/1"]) == (0, 0))
        // Rotated.
        try FileManager.default.removeItem(at: path)
        #expect(log.look(at: ["/s/1"]) == (0, 0))
        try Data(line(503, "/s/1").utf8).write(to: path)
        #expect(log.look(at: ["/s/1"]) == (1, 1))
    }
}
