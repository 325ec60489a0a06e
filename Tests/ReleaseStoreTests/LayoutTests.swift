import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct LayoutTests {
    @Test func `an app's paths are those of the design page`() throws {
        let app = HostLayout(home: "/srv/pmo").app(try AppName("shop"))
        let api = try ServiceName("api")
        let slot = app.slot(api, try #require(SlotNumber(2)))
        let release = app.release(ReleaseID(commit: try commit("a"), build: 2))
        #expect(app.repository == "/srv/pmo/shop/repo.git")
        #expect(app.partial(7) == "/srv/pmo/shop/releases/.7.partial")
        #expect(app.environmentFile == "/srv/pmo/shop/env/values")
        #expect(app.deployLog(7) == "/srv/pmo/shop/logs/deploys/7.log")
        #expect(app.deployEvents(7) == "/srv/pmo/shop/logs/deploys/7.ndjson")
        #expect(app.serviceLogs(api) == "/srv/pmo/shop/logs/services/api")
        #expect(slot.socket(1) == "/srv/pmo/shop/slots/api/2/run/1.sock")
        #expect(slot.instance(1) == "/srv/pmo/shop/slots/api/2/1")
        #expect(slot.unitName(1) == "shop.api.2.1")
        #expect(release.root.lastComponent?.string == String(repeating: "a", count: 40) + ".2")
        #expect(release.upstream(api) == release.root.pushing(".pmo/upstream/api"))
        #expect(app.host.hostLock == "/srv/pmo/.pmo/host.lock")
    }

    @Test func `a home of a newer version is refused, and stays as it is`() throws {
        try withApp { (app) throws in
            try app.host.ensureVersion()
            #expect(try DurableFile.read(app.host.versionFile) == Array("2\n".utf8))
            for (text, error) in [
                ("3\n", StoreError.newerHome(path: app.host.home, layout: 3)),
                ("x\n", .damaged(path: app.host.versionFile, problem: "holds no number")),
            ] {
                try DurableFile.write(Array(text.utf8), to: app.host.versionFile)
                #expect(throws: error) { try app.host.ensureVersion() }
                #expect(throws: error) { try KeyStore(app.host).keys() }
                #expect(try DurableFile.read(app.host.versionFile) == Array(text.utf8))
            }
        }
    }

    @Test func `the sockets of an older home have their new names, too, and whoever listens goes on`() throws {
        try withApp { (app) throws in
            let slot = app.slot(try ServiceName("api"), try #require(SlotNumber(2)))
            try DurableFile.makeDirectories(slot.root)
            let old = slot.root.appending("1.sock")
            try DurableFile.write([1], to: old)
            try DurableFile.remove(app.host.versionFile)
            for _ in 1...2 {
                try app.host.ensureVersion()
                #expect(try DurableFile.read(slot.socket(1)) == [1])
                #expect(try DurableFile.read(old) == [1])
                try DurableFile.remove(app.host.versionFile)
            }
        }
    }

    @Test func `a relative home is taken from the working directory`() {
        #expect(HostLayout(home: "a/../.demo/").home.isAbsolute)
        #expect(HostLayout(home: "a/../.demo/").home.lastComponent?.string == ".demo")
    }

    @Test func `apps are the directories with settings, by name`() throws {
        try withDirectory { (home) throws in
            for name in ["shop", "blog"] { _ = try makeApp(name, home: home) }
            try HostLayout(home: home).app(try AppName("half")).createDirectories()
            try link(at: home.appending("linked"), to: "nowhere")
            try write("", to: home.appending("notes.txt"))
            let host = HostLayout(home: home)
            #expect(try host.apps().map(\.text) == ["blog", "shop"])
            #expect(try host.existingApp(try AppName("shop")).exists)
            let half = StoreError.unknownApp(try AppName("half"), known: try host.apps())
            #expect(throws: half) { try host.existingApp(try AppName("half")) }
        }
        #expect(try HostLayout(home: "/nowhere/pmo").apps().isEmpty)
    }

    @Test func `directories get their modes whatever the umask, and are left alone the second time`() throws {
        try withDirectory { (home) throws in
            let app = try makeApp("shop", home: home)
            #expect(mode(of: app.root) == 0o755)
            #expect(mode(of: app.slots) == 0o711)
            #expect(mode(of: app.backups) == 0o700)
            #expect(mode(of: app.environmentFile.removingLastComponent()) == 0o700)
            #expect(chmod(app.shared.string, 0o750) == 0)
            try app.createDirectories()
            #expect(mode(of: app.shared) == 0o750)
        }
    }
}
