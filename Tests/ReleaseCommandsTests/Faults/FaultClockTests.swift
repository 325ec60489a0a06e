import Foundation
import Glibc
import Testing

@Suite("F38: After a clock was wrong", .timeLimit(.minutes(10)))
struct FaultClockTests {
    @Test("A release that a clock ten years ahead has put down as warm is stopped when its time is over")
    func warm() async throws {
        try await TestHost.with(warm: "2s") { host in
            let files = [
                "index.html": "first\n",
                "pmo-release.yml": """
                services: { web: { command: "exec python3 -m http.server --bind 127.0.0.1 $PORT" } }
                sites: { pmo.localhost: { routes: { /: web } } }
                """,
            ]
            try await host.deploy(files)
            try await host.deploy(["index.html": "second\n"])
            let slots = "\(host.home)/\(host.app)/slots/web"
            let rolled = try await host.pmo("rollback", host.app)
            try #require(rolled.status == 0, "\(rolled)")
            let processes = try await host.processes()
            let slot = try #require(processes.first { $0.role != "current" }?.slot, "\(processes)")
            try "\(Date().timeIntervalSince1970 + 10 * 365 * 86400)\n".write(
                toFile: "\(slots)/\(slot)/warm-until", atomically: false, encoding: .utf8)
            #expect(
                try await eventually {
                    _ = try await host.pmo("prune", host.app)
                    return !host.names(slots).contains { access("\(slots)/\($0)/warm-until", F_OK) == 0 }
                }, "nothing stays warm")
            #expect(try await host.processes().filter { $0.state == "up" }.count == 1)
            #expect(try await host.get("/index.html").body == "first\n")
        }
    }

    @Test("G16: services are where they should be, whatever each command takes the time for")
    func services() async throws {
        let years = 10 * 365 * 86400
        try await TestHost.with(warm: "1s") { host in
            let files = [
                "index.html": "0\n",
                "pmo-release.yml": """
                services: { web: { command: "exec python3 -m http.server --bind 127.0.0.1 $PORT" } }
                sites: { pmo.localhost: { routes: { /: web } } }
                """,
            ]
            try await host.deploy(files)
            var page = 0
            var back = 0
            for (number, shift) in [years, -years, 0, -years, years, 0].enumerated() {
                let clock = ["PMO_FAIL": "clock:\(shift)"]
                if number.isMultiple(of: 2) {
                    (back, page) = (page, number + 1)
                    try host.write(["index.html": "\(page)\n"])
                    try await host.commit("Page \(page)")
                    let pushed = try await host.push(environment: clock)
                    #expect(pushed.status == 0, "\(shift): \(pushed)")
                } else {
                    swap(&back, &page)
                    let rolled = try await host.run("pmo-release", ["rollback", host.app], environment: clock)
                    #expect(rolled.status == 0, "\(shift): \(rolled)")
                }
                #expect(try await host.get("/index.html").body == "\(page)\n", "\(number)")
            }
            // Whoever looks next, with the right time, finds one that serves and stops the rest.
            #expect(
                try await eventually(within: .seconds(60)) {
                    _ = try await host.pmo("prune", host.app)
                    return try await host.processes().filter { $0.state == "up" }.count == 1
                })
            #expect(try await host.get("/index.html").body == "\(page)\n")
            #expect(try await host.violations() == [])
        }
    }
}
