import FreePorts
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import HostControl

/// An nginx in a directory, under a runit of its own, with a configuration written by hand.
private struct NginxHome {
    let runit: RunitHome
    let directory: FilePath
    let nginx: Nginx
    let port: Int
    let app: AppName

    init(_ runit: RunitHome, listen: Int? = nil) throws {
        self.runit = runit
        let directory = runit.root.appending("nginx")
        self.directory = directory
        port = try FreePort.next()
        app = try AppName("pmo")
        let main = listen.map { "server { listen 127.0.0.1:\($0); return 421; }" } ?? ""
        nginx = Nginx(
            directory: directory, supervisor: runit.supervisor, runner: ProcessRunner(),
            listen: listen.map { ("127.0.0.1", $0) }
        ) { files in
            """
            daemon off;
            \(geteuid() == 0 ? "user root;" : "")
            pid \(files.pid);
            error_log \(directory)/logs/error.log notice;
            worker_processes 1;
            events { worker_connections 64; }
            http {
                access_log off;
                client_body_temp_path \(directory)/tmp/body;
                proxy_temp_path \(directory)/tmp/proxy;
                fastcgi_temp_path \(directory)/tmp/fastcgi;
                uwsgi_temp_path \(directory)/tmp/uwsgi;
                scgi_temp_path \(directory)/tmp/scgi;
                \(main)
                server {
                    listen unix:\(files.control);
                    location / { default_type text/plain; return 200 "\(files.generation)"; }
                }
                include \(files.sites)/*.conf;
            }

            """
        }
    }

    /// A site that answers a text.
    func site(_ text: String, port: Int? = nil) -> String {
        "server { listen 127.0.0.1:\(port ?? self.port); location / { return 200 \"\(text)\"; } }\n"
    }

    /// What users get now.
    func answer() async -> String? {
        let probe = HealthProbe(runner: ProcessRunner())
        guard
            case .answered(200, let body, _) = await probe.ask(
                .port(port), path: "/", host: "localhost", within: .seconds(5))
        else { return nil }
        return String(decoding: body, as: UTF8.self)
    }
}

private func withNginx(_ body: (NginxHome) async throws -> Void) async throws {
    try await withRunit { runit in
        let home = try NginxHome(runit)
        try await body(home)
        try? await home.nginx.stop()
    }
}

@Suite("Nginx with the real nginx")
struct NginxTests {
    @Test("A site goes live with its install; the same text is nothing to do; a new text is served at once")
    func install() async throws {
        try await withNginx { home in
            #expect(await !home.nginx.isRunning())
            let changed = try await home.nginx.install(site: home.site("one"), app: home.app)
            #expect(changed)
            #expect(await home.nginx.isRunning())
            #expect(await home.answer() == "one")
            let generation = await home.nginx.generation()
            #expect(try await !home.nginx.install(site: home.site("one"), app: home.app))
            #expect(await home.nginx.generation() == generation)
            for text in ["two", "three"] {
                #expect(try await home.nginx.install(site: home.site(text), app: home.app))
                #expect(await home.answer() == text)
            }
            #expect(home.directory.appending("sites/pmo.conf").content == home.site("three"))
        }
    }

    @Test("F33: a site that nginx refuses never reaches the live files, and the old one serves")
    func refused() async throws {
        try await withNginx { home in
            _ = try await home.nginx.install(site: home.site("good"), app: home.app)
            for bad in ["server { listen 1", "no_such_directive on;\n", "server { return 200 a; } }\n"] {
                await #expect {
                    try await home.nginx.test(site: bad, app: home.app)
                } throws: { error in
                    guard case .siteRefused("pmo", let message) = error as? HostError else { return false }
                    return message.contains("sites/pmo.conf") && !message.contains("stage")
                }
                await #expect(throws: HostError.self) { try await home.nginx.install(site: bad, app: home.app) }
            }
            #expect(home.nginx.siteFile(home.app).content == home.site("good"))
            #expect(await home.answer() == "good")
            let left = try #require(opendir(home.directory.string))
            defer { closedir(left) }
            while let entry = readdir(left) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                #expect(!name.hasPrefix("stage"))
            }
        }
    }

    @Test("F33: a first site that is refused leaves no file and starts nothing")
    func refusedFirst() async throws {
        try await withNginx { home in
            await #expect(throws: HostError.self) { try await home.nginx.install(site: "nonsense;", app: home.app) }
            #expect(home.nginx.siteFile(home.app).content == nil)
            #expect(await !home.nginx.isRunning())
        }
    }

    @Test("F34: another app's broken file is named, and stays as it is")
    func otherRefused() async throws {
        try await withNginx { home in
            _ = try await home.nginx.install(site: home.site("good"), app: home.app)
            let other = home.nginx.siteFile(try AppName("other"))
            try other.write("nonsense;\n")
            await #expect {
                try await home.nginx.install(site: home.site("better"), app: home.app)
            } throws: { error in
                guard case .otherSiteRefused(other.string, _) = error as? HostError else { return false }
                return true
            }
            #expect(other.content == "nonsense;\n")
            #expect(await home.answer() == "good")
            // An unchanged site asks nginx nothing.
            #expect(try await !home.nginx.install(site: home.site("good"), app: home.app))
        }
    }

    @Test("A site that passes the test and fails the reload is taken back, and the old one serves")
    func restored() async throws {
        try await withNginx { home in
            _ = try await home.nginx.install(site: home.site("good"), app: home.app)
            // `nginx -t` does not mind a port that is in use.
            let taken = try Listener()
            let bad = home.site("good") + home.site("other", port: taken.port)
            await #expect {
                try await home.nginx.install(site: bad, app: home.app)
            } throws: { "\($0)".contains("\(taken.port)") }
            #expect(home.nginx.siteFile(home.app).content == home.site("good"))
            #expect(await home.answer() == "good")
            #expect(try await home.nginx.install(site: home.site("next"), app: home.app))
            #expect(await home.answer() == "next")
        }
    }

    @Test("A port that somebody else holds is named with its holder, at once")
    func portTaken() async throws {
        try await withRunit { runit in
            let taken = try Listener()
            let home = try NginxHome(runit, listen: taken.port)
            await #expect {
                try await home.nginx.ensureRunning()
            } throws: { error in
                guard case .portTaken(taken.port, let holder) = error as? HostError else { return false }
                return holder.contains("(pid \(getpid()))")
            }
            #expect(try await runit.supervisor.status(home.nginx.instance).state == .down)
        }
    }

    @Test("A removed site is served no more, and nginx goes on")
    func remove() async throws {
        try await withNginx { home in
            let other = try AppName("other")
            let port = try FreePort.next()
            _ = try await home.nginx.install(site: home.site("one"), app: home.app)
            _ = try await home.nginx.install(site: home.site("two", port: port), app: other)
            try await home.nginx.remove(app: other)
            #expect(home.nginx.siteFile(other).content == nil)
            #expect(await home.answer() == "one")
            #expect(await eventually { Nginx.portIsFree(address: "127.0.0.1", port: port) })
            try await home.nginx.remove(app: other)
        }
    }

    @Test("It comes back by itself after a crash, and a stop is a stop")
    func crash() async throws {
        try await withNginx { home in
            _ = try await home.nginx.install(site: home.site("one"), app: home.app)
            let master = try #require(try await home.runit.supervisor.status(home.nginx.instance).pid)
            for pid in ProcessGroup.members(of: master) { kill(pid, SIGKILL) }
            #expect(await eventually { await home.answer() == "one" })
            try await home.nginx.stop()
            #expect(await !home.nginx.isRunning())
            #expect(await home.answer() == nil)
            try await home.nginx.ensureRunning()
            #expect(await home.answer() == "one")
        }
    }
}
