import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

/// What a SIGKILL cannot show: which calls stand between a release and the disk, as strace(1) sees them.
@Suite(.enabled(if: access("/usr/bin/strace", X_OK) == 0, "needs strace"))
struct DurableOrderTests {
    @Test func `a release is on the disk before its name, and its name before it is live (F12, F13)`() throws {
        try withApp { (app) throws in
            let calls = try trace(app)
            let id = try commit("a").text
            let ours = app.release(ReleaseID(commit: try commit("a"))).private
            let swapped = "renameat2(\(app.root), \"previous\", \(app.root), \"current\", RENAME_EXCHANGE)"
            let order = [
                "syncfs(\(app.partial(1)))",
                "renameat2(\(app.releases), \".1.partial\", \(app.releases), \"\(id)\", RENAME_NOREPLACE)",
                "fsync(\(app.releases))",
                "symlinkat(\"releases/\(id)\", \(app.root), \".current.N.tmp\")",
                "renameat(\(app.root), \".current.N.tmp\", \(app.root), \"current\")",
                "fsync(\(app.root))",
                "fsync(\(ours)/.served.N.tmp)",
                "renameat(\(ours), \".served.N.tmp\", \(ours), \"served\")",
                "fsync(\(ours))",
                "syncfs(\(app.partial(2)))",
                "renameat(\(app.root), \".previous.N.tmp\", \(app.root), \"previous\")",
                "renameat(\(app.root), \".current.N.tmp\", \(app.root), \"current\")",
                "fsync(\(app.root))",
                swapped,
                "fsync(\(app.root))",
            ]
            var rest = calls[...]
            for call in order {
                let place = rest.firstIndex(of: call)
                #expect(place != nil, "\(call) is missing or too early in:\n\(calls.joined(separator: "\n"))")
                if let place { rest = rest[(place + 1)...] }
            }
            #expect(calls.last == "fsync(\(app.root))")
            #expect(calls.suffix(2).first == swapped, "a rollback makes nothing")
        }
    }

    /// The calls with paths in place of descriptors, and without what changes from run to run.
    private func trace(_ app: AppLayout) throws -> [String] {
        let log = app.host.home.appending("trace")
        let calls = "syncfs,fsync,renameat,renameat2,symlinkat"
        let tracer = ["/usr/bin/strace", "-f", "-qq", "-y", "-s", "4096", "-e", "trace=\(calls)", "-o", log.string]
        #expect(try ChildProcess(.deploy, in: app.host.home, under: tracer).wait() == 0)
        return try text(of: log).split(separator: "\n").compactMap { line in
            guard line.contains(" = 0") else { return nil }
            return String(line)
                .replacing(/^\d+ +/, with: "").replacing(/\s+= 0.*$/, with: "")
                .replacing(/\d+<([^>]*)>/) { "\($0.1)" }
                .replacing(/\.\d+\.\d+\.\d+\.tmp/, with: ".N.tmp")
        }
    }
}
