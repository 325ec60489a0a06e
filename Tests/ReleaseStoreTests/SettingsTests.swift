import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct SettingsTests {
    @Test func `an app's settings come back as they were saved`() throws {
        try withApp { (app) throws in
            var settings = try AppSettings.load(from: app.settings)
            settings.environment = "staging"
            settings.warm = try TimeLimit("90s")
            settings.share = .recycle
            settings.submodules = .empty
            try settings.save(to: app.settings)
            #expect(try AppSettings.load(from: app.settings) == settings)
            #expect(mode(of: app.settings) == 0o644)
        }
    }

    @Test func `a release stays warm for ten minutes and shares as is best unless the settings say otherwise`() throws {
        try withApp { (app) throws in
            try write(
                #"{"branch": "main", "domain": "a.localhost", "created": 1, "createdBy": "a"}"#, to: app.settings)
            #expect(try AppSettings.load(from: app.settings).warm.text == "600s")
            #expect(try AppSettings.load(from: app.settings).share == .auto)
            #expect(try AppSettings.load(from: app.settings).submodules == .refuse)
        }
    }

    @Test func `a host's settings come back as they were saved`() throws {
        try withApp { (app) throws in
            #expect(!app.host.exists)
            let settings = HostSettings(listenAddress: "127.0.0.1", listenPort: 8080, supervisor: .runit)
            try settings.save(to: app.host.settings)
            #expect(try HostSettings.load(from: app.host.settings) == settings)
            #expect(app.host.exists)
        }
    }

    @Test(arguments: [
        ("{", "it is not JSON"), (#"{"branch": "main"}"#, "“domain” is missing"),
        (#"{"branch": 1, "domain": "a.localhost", "created": 1, "createdBy": "a"}"#, "“branch” is of another type"),
        (#"{"branch": "-x", "domain": "a.localhost", "created": 1, "createdBy": "a"}"#, "branch “-x”"),
    ])
    func `settings that were edited badly are named, and left alone`(json: String, problem: String) throws {
        try withApp { (app) throws in
            try write(json, to: app.settings)
            let error = #expect(throws: StoreError.self) { try AppSettings.load(from: app.settings) }
            #expect(error?.description.contains(problem) == true)
            #expect(error?.description.contains(app.settings.string) == true)
            #expect(try text(of: app.settings) == json)
        }
    }
}
