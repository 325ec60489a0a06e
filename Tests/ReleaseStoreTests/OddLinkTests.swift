import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

/// F40: `current` edited by hand.
struct OddLinkTests {
    @Test(arguments: [
        ("releases/gone", "points at releases/gone, which is not there"),
        ("current", "leads back to itself"),
        ("/etc", "points at /etc, which is no release of this app"),
        ("shared", "points at shared, which is no release of this app"),
        ("releases", "points at releases, which is no release of this app"),
        ("previous", "points at previous, which is no release of this app"),
    ])
    func `a current that is no link to a release is refused with the fix, and left alone`(
        target: String, problem: String
    ) throws {
        try withLive { (store, live) throws in
            try DurableFile.link(at: store.app.previous, to: "releases/\(live)")
            try DurableFile.link(at: store.app.current, to: target)
            let error = #expect(throws: StoreError.self) { try store.current() }
            #expect(error?.description == "\(store.app.current) \(problem)")
            #expect(error?.hint == "ln -sfn releases/\(live) \(store.app.current)")
            #expect(error?.outcome == .refused)
            #expect(throws: StoreError.self) { try store.pointCurrent(at: live) }
            #expect(throws: StoreError.self) { try store.pruneCandidates(keep: 1) }
            #expect(try linkTarget(of: store.app.current) == target)
            try #require(try run("sh", "-c", try #require(error?.hint)) == 0)
            #expect(try store.current() == live)
        }
    }

    @Test func `a directory or file in the link's place is refused with the fix`() throws {
        try withLive { (store, live) throws in
            for make in [{ mkdir($0, 0o755) }, { mknod($0, S_IFREG | 0o644, 0) }] as [(String) -> Int32] {
                try DurableFile.remove(store.app.current)
                try #require(make(store.app.current.string) == 0)
                let error = #expect(throws: StoreError.self) { try store.pointCurrent(at: live) }
                #expect(error?.description.hasSuffix("where a link should be") == true)
                try #require(try run("sh", "-c", try #require(error?.hint)) == 0)
                #expect(try store.current() == live)
                _ = try run("rm", "-rf", store.app.current.string + ".odd")
            }
        }
    }

    @Test func `a directory that never became a release is refused`() throws {
        try withLive { (store, _) throws in
            let id = ReleaseID(commit: try commit("e"))
            try #require(mkdir(store.app.release(id).root.string, 0o755) == 0)
            try DurableFile.link(at: store.app.current, to: "releases/\(id)")
            let error = #expect(throws: StoreError.self) { try store.current() }
            #expect(error?.description.hasSuffix("which is not a complete release") == true)
        }
    }

    @Test func `a link that a hand wrote otherwise, but right, is taken`() throws {
        try withLive { (store, live) throws in
            for target in ["./releases/\(live)/", "\(store.app.releases)/\(live)", "releases/../releases/\(live)"] {
                try DurableFile.link(at: store.app.current, to: target)
                #expect(try store.current() == live)
            }
        }
    }

    @Test func `without any release the hint shows what there is`() throws {
        try withApp { (app) throws in
            try DurableFile.link(at: app.current, to: "releases/gone")
            let error = #expect(throws: StoreError.self) { try ReleaseStore(app).current() }
            #expect(error?.hint == "ls -l \(app.root)")
        }
    }

    private func withLive(_ body: (ReleaseStore, ReleaseID) throws -> Void) throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let live = try store.make(ReleaseID(commit: commit("a")), deploy: 1, served: true)
            let failed = try store.make(ReleaseID(commit: commit("b")), deploy: 2)
            try store.markBad(failed, reason: "health check failed")
            try store.pointCurrent(at: live)
            try body(store, live)
        }
    }
}
