import Foundation
import Glibc
import HostControl
import ReleaseModel
import Testing

/// Who may ask the root helper, for what, and which files it takes from whom.
@Suite("What the root helper is asked", .timeLimit(.minutes(10)))
struct CallerTests {
    /// A27, R8: what the apps' user could put in the place of its file.
    @Test("a link, a second name, a fifo, a directory, another owner or a huge file is refused")
    func tampering() async throws {
        try await RootHost.with { host in
            try await host.serve("shop", "app.example.org")
            let live = host.text("nginx/pmo-release/shop.conf")
            let file = "\(host.home)/shop/site.json"
            let good = "\(host.root)/good.json"
            func refused(_ what: String, _ prepare: () throws -> Void) async throws {
                try host.write(
                    String(decoding: SiteValues.page("shop", "new.example.org").bytes, as: UTF8.self), to: "good.json")
                try? FileManager.default.removeItem(atPath: file)
                try prepare()
                let answer = try await host.helper("site", "apply", "shop")
                #expect(answer.status != 0 && answer.error.contains(what), "\(what): \(answer)")
                #expect(host.text("nginx/pmo-release/shop.conf") == live, "\(what)")
            }
            try await refused("is a link") { symlink(good, file) }
            try await refused("is a link") { symlink("/etc/shadow", file) }
            try await refused("belongs to another user") { link(good, file) }
            try await refused("is no regular file") { mkfifo(file, 0o644) }
            try await refused("is no regular file") { mkdir(file, 0o755) }
            try await refused("has more than 262144 bytes") {
                try host.write(String(repeating: " ", count: SiteValues.longest + 1), to: "home/shop/site.json")
            }
            try await refused("cannot open") {}
            try await refused("must be that of shop") {
                try host.write(
                    String(decoding: SiteValues.page("blog", "new.example.org").bytes, as: UTF8.self),
                    to: "home/shop/site.json")
            }
            if geteuid() == 0 {
                try await refused("belongs to another user") {
                    try FileManager.default.moveItem(atPath: good, toPath: file)
                    chown(file, 65534, 65534)
                }
            }
            // The directory itself.
            try FileManager.default.moveItem(atPath: "\(host.home)/shop", toPath: "\(host.root)/moved")
            symlink("\(host.root)/moved", "\(host.home)/shop")
            try host.write(
                String(decoding: SiteValues.page("shop", "new.example.org").bytes, as: UTF8.self), to: "moved/site.json"
            )
            let answer = try await host.helper("site", "apply", "shop")
            #expect(answer.status != 0 && answer.error.contains("is behind a link"), "\(answer)")
            #expect(host.text("nginx/pmo-release/shop.conf") == live)
        }
    }

    @Test(
        "arguments are one of the verbs, word for word",
        arguments: [
            [], ["site"], ["site", "apply"], ["site", "apply", "shop", "blog"], ["site", "apply", "../shop"],
            ["site", "apply", "--help"], ["site", "apply", "shop;id"], ["site", "apply", ""],
            ["site", "write", "shop"],
            ["--settings", "/tmp/x", "site", "test"], ["-c", "id"], ["site", "apply", "shop\nblog"], ["setup", "x"],
        ])
    func verbs(_ arguments: [String]) async throws {
        let result = try await ProcessRunner().run(Command(executable: RootHost.program, arguments: arguments))
        #expect([3, 64].contains(result.status), "\(arguments): \(result.problem)")
    }

    @Test("by sudo, the environment counts for nothing, and the apps' user alone may ask")
    func sudo() async throws {
        try await RootHost.with { host in
            try host.app("shop")
            try host.want(.page("shop", "app.example.org"))
            // The package's user is not there, or another one than this number.
            for command in [nil, "/usr/bin/pmo-release-root site apply shop"] {
                let answer = try await host.helper(
                    "site", "apply", "shop",
                    environment: ["SUDO_UID": "65534"].merging(command.map { ["SUDO_COMMAND": $0] } ?? [:]) { $1 })
                #expect(answer.status == 3, "\(answer)")
                #expect(!host.exists("state"), "the named settings were not read")
            }
            // What sudo has started has started this: apt, or certbot.
            let command = "/usr/bin/apt-get install ./pmo-release-root.deb"
            let setup = try await host.helper("setup", environment: ["SUDO_UID": "65534", "SUDO_COMMAND": command])
            #expect(setup.status == 0 && host.exists("nginx/conf.d/pmo-release.conf"), "\(setup)")
        }
    }
}
