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

    @Test func `one look finds what each release is by itself`() throws {
        try withApp { (app) throws in
            let store = ReleaseStore(app)
            #expect(try store.look(nil).numbers.isEmpty, "an app without a release")
            let ids = try "abcd".enumerated().map {
                try store.make(ReleaseID(commit: commit($1)), deploy: $0 + 7, served: $0 > 0)
            }
            try store.markBad(ids[2], reason: "answered 500")
            // Not ours, and no marks: a link in the place of one, and a name that is no release's.
            func mark(of id: ReleaseID) -> FilePath { app.release(id).root.pushing(".pmo/served") }
            try link(at: mark(of: ids[0]), to: mark(of: ids[1]).string)
            try #require(mkdir(app.releases.appending("mine").string, 0o755) == 0)
            let ledger = try Ledger(app)
            let number = try ledger.record(someDeploy("d")).number
            try #require(number == 11, "after those on the disk")
            _ = try ledger.update(number) { $0.release = ids[3] }
            let found = try store.look(ledger)
            #expect(found.numbers == [ids[0]: 7, ids[1]: 8, ids[2]: 9, ids[3]: 11])
            #expect(found.newestFirst == ids.reversed())
            #expect(found.unknown == Set(ids[0...2]))
            #expect(found.unserved == [ids[0]])
            for id in ids[1...] { #expect(found.served.contains(id) == store.served(id)) }
            #expect(found.bad == [ids[2]] && found.good == [ids[1], ids[3]])
            let left = found.without([ids[0], ids[1], ids[2]])
            #expect(left.numbers.keys.elementsEqual([ids[3]]) && left.unknown.isEmpty && left.bad.isEmpty)
            #expect(left.unserved.isEmpty && left.served == [ids[3]])
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
