import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct PartialTests {
    @Test func `a partial has our directories, and what a dead deploy of its number left is gone`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let partial = try store.makePartial(deploy: 4)
            try write("old", to: partial.appending("old"))
            #expect(try store.makePartial(deploy: 4) == app.partial(4))
            #expect(try names(in: partial) == [".pmo"])
            #expect(try names(in: partial.appending(".pmo")) == ["units", "upstream"])
            #expect(mode(of: partial) == 0o755)
        }
    }

    @Test func `a release's name is never given twice (I5)`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let id = try store.make(ReleaseID(commit: commit("a")), deploy: 1)
            let partial = try store.makePartial(deploy: 2)
            try store.describe(id, deploy: 2).save(to: ReleaseLayout(root: partial))
            #expect(throws: StoreError.releaseExists(app.name, id)) { try store.complete(partial: partial, as: id) }
            #expect(exists(partial))
            #expect(try store.information(id).deploy == 1)
        }
    }

    @Test func `a partial without information does not become a release`() throws {
        try withApp { (app) throws in
            let partial = try ReleaseStore(app).makePartial(deploy: 1)
            #expect(throws: StoreError.self) {
                try ReleaseStore(app).complete(partial: partial, as: ReleaseID(commit: commit("a")))
            }
            #expect(try names(in: app.releases) == [".1.partial"])
        }
    }

    @Test func `a build that swaps our directory for a link gains nothing (A37)`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let partial = ReleaseLayout(root: try store.makePartial(deploy: 1))
            try #require(rename(partial.private.string, partial.root.appending("moved").string) == 0)
            try link(at: partial.private, to: app.environmentFile.removingLastComponent().string)
            #expect(throws: StoreError.self) { try partial.write([1], to: "units/api/run", mode: 0o755) }
            #expect(throws: StoreError.self) {
                try store.describe(ReleaseID(commit: commit("a")), deploy: 1).save(to: partial)
            }
            #expect(try names(in: app.environmentFile.removingLastComponent()).isEmpty)
        }
    }

    @Test func `files of ours are written below links that a build left`() throws {
        try withApp { (app) throws in
            let partial = ReleaseLayout(root: try ReleaseStore(app).makePartial(deploy: 1))
            try partial.write([1], to: "units/api/run", mode: 0o755)
            #expect(mode(of: partial.unit(try ServiceName("api")).appending("run")) == 0o755)
            try link(at: partial.units.appending("worker"), to: app.shared.string)
            #expect(throws: StoreError.self) { try partial.write([1], to: "units/worker/run") }
            #expect(try names(in: app.shared).isEmpty)
        }
    }

    @Test func `a sweep removes what the dead left, and nothing of the living (F03, F11)`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let id = try store.make(ReleaseID(commit: commit("a")), deploy: 1)
            for deploy in [2, 3, 12] { _ = try store.makePartial(deploy: deploy) }
            try #require(mkdir(app.releases.appending(".\(id).removing").string, 0o755) == 0)
            try link(at: app.root.appending(".current.999999999.5.1.tmp"), to: "nowhere")
            try write("half", to: app.environmentFile.removingLastComponent().appending(".values.999999999.5.1.tmp"))
            let own = ProcessIdentity.current()
            try write("a number used again", to: app.root.appending(".current.\(own.pid).\(own.started - 1).1.tmp"))
            let ours = ".current.\(own.pid).\(own.started).1.tmp"
            try write("ours", to: app.root.appending(ours))
            #expect(try store.sweepPartials(except: [3]).count == 6)
            #expect(try names(in: app.releases) == [".3.partial", id.directoryName])
            #expect(try names(in: app.root).filter { $0.hasPrefix(".") } == [ours])
            #expect(try store.sweepPartials(except: [3]).isEmpty)
        }
    }
}
