import Foundation
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct MarksTests {
    @Test func `that a release served, or is bad, is kept with it`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let id = try store.make(ReleaseID(commit: commit("a")), deploy: 1)
            #expect(!store.served(id) && store.bad(id) == nil)
            try store.markServed(id)
            try store.markServed(id)
            try store.markBad(id, reason: "answered 500\nat /health")
            #expect(store.served(id))
            #expect(store.bad(id) == "answered 500\nat /health")
            try store.unmarkBad(id)
            #expect(store.bad(id) == nil)
            let gone = ReleaseID(commit: try commit("b"))
            #expect(throws: StoreError.missingRelease(app.name, gone)) { try store.markServed(gone) }
            #expect(!exists(app.release(gone).root))
        }
    }

    @Test func `the size is what du says, a file with two names counted once`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            let id = try store.make(ReleaseID(commit: commit("a")), deploy: 1)
            let root = app.release(id).root
            try #require(mkdir(root.appending("deep").string, 0o755) == 0)
            try DurableFile.write(Array(repeating: 1, count: 300_000), to: root.appending("deep").appending("one"))
            try #require(Glibc.link(root.pushing("deep/one").string, root.appending("two").string) == 0)
            try link(at: root.appending("etc"), to: "/etc")
            let measured = store.size(id)
            #expect(measured == (try diskUse(of: root)) - 4096, "the note of the size itself came after")
            try DurableFile.write(Array(repeating: 1, count: 300_000), to: root.appending("more"))
            #expect(store.size(id) == measured, "measured once")
            #expect(store.size(ReleaseID(commit: try commit("b"))) == 0)
        }
    }

    /// In bytes.
    private func diskUse(of path: FilePath) throws -> Int {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/du")
        process.arguments = ["-s", "--block-size=1", path.string]
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return try #require(Int(output.prefix { $0.isNumber }))
    }
}
