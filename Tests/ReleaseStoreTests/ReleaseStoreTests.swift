import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct ReleaseStoreTests {
    @Test func `releases are real directories with information`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let whole = try store.make(ReleaseID(commit: commit("a")), deploy: 1)
            let without = ReleaseID(commit: try commit("b"))
            _ = try store.make(without, deploy: 2)
            try DurableFile.remove(app.release(without).information)
            try link(at: app.releases.appending(String(repeating: "c", count: 40)), to: whole.directoryName)
            try write("", to: app.releases.appending(String(repeating: "d", count: 40)))
            _ = try store.makePartial(deploy: 3)
            #expect(try store.releases() == [whole])
            #expect(throws: StoreError.missingRelease(app.name, without)) { try store.information(without) }
        }
    }

    @Test func `what a release was made from comes back`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let id = ReleaseID(commit: try commit("a"))
            let partial = ReleaseLayout(root: try store.makePartial(deploy: 1))
            var information = store.describe(id, deploy: 1)
            information.subject = "a “quoted”\n\u{1b}[31m subject"
            information.describe = "v1.0-3-gaaaaaaa"
            try information.save(to: partial)
            var manifest = Manifest(origin: .procfile(.python))
            manifest.services = [Service(name: try ServiceName("web"), command: "gunicorn", listen: .port)]
            try partial.write(json: manifest, to: "manifest.json")
            try store.complete(partial: partial.root, as: id)
            #expect(try store.information(id) == information)
            #expect(try store.manifest(id) == manifest)
        }
    }

    @Test func `the newest release is that of the last deploy, whatever the clock said (F38)`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let old = try store.make(ReleaseID(commit: commit("f")), deploy: 1)
            let new = try store.make(ReleaseID(commit: commit("a")), deploy: 2)
            var information = try store.information(new)
            information.created = -300_000_000
            try information.save(to: app.release(new))
            #expect(try store.newestFirst() == [new, old])
        }
    }

    @Test func `a prefix means the newest build of its commit`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let id = try commit("a")
            for build in 1...10 { _ = try store.make(ReleaseID(commit: id, build: build), deploy: build) }
            #expect(try store.resolve(CommitPrefix("aaaa")) == ReleaseID(commit: id, build: 10))
            #expect(try store.resolve(CommitPrefix("AAAAAAA.2")) == ReleaseID(commit: id, build: 2))
            #expect(throws: StoreError.self) { try store.resolve(CommitPrefix("aaaa.11")) }
        }
    }

    @Test func `an unknown or ambiguous prefix is refused with the candidates`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let none = #expect(throws: StoreError.self) { try store.resolve(CommitPrefix("abcd")) }
            #expect(none?.description == "pmo has no release yet")
            for (number, digit) in "12".enumerated() {
                let id = try CommitID("abcdef9" + String(repeating: digit, count: 33))
                _ = try store.make(ReleaseID(commit: id), deploy: number + 1)
            }
            let ambiguous = #expect(throws: StoreError.self) { try store.resolve(CommitPrefix("abcdef9")) }
            #expect(ambiguous?.description == "“abcdef9” is ambiguous: abcdef92222, abcdef91111")
            #expect(ambiguous?.hint == "pmo-release list pmo")
            let unknown = #expect(throws: StoreError.self) { try store.resolve(CommitPrefix("0000")) }
            #expect(unknown?.description == "pmo has no release “0000”, only abcdef9, abcdef9")
            #expect(unknown?.outcome == .refused)
        }
    }

    @Test func `the next build of a commit has a name that nothing has`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let id = try commit("a")
            #expect(try store.nextID(for: id) == ReleaseID(commit: id))
            _ = try store.make(ReleaseID(commit: id), deploy: 1)
            _ = try store.make(ReleaseID(commit: commit("b"), build: 8), deploy: 2)
            #expect(try store.nextID(for: id) == ReleaseID(commit: id, build: 2))
            try write("", to: app.releases.appending("\(id).4"))
            #expect(try store.nextID(for: id) == ReleaseID(commit: id, build: 5))
            try write("", to: app.releases.appending(".\(id).6.removing"))
            #expect(try store.nextID(for: id) == ReleaseID(commit: id, build: 7))
        }
    }
}
