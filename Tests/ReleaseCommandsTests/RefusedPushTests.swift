import Foundation
import Testing

@Suite("A refused push", .serialized, .timeLimit(.minutes(20)))
struct RefusedPushTests {
    /// What a push does wrong, and what it is told.
    struct Mistake: Sendable, CustomTestStringConvertible {
        let name: String
        var files: [String: String] = [:]
        var options: [String] = []
        var prepare: @Sendable (TestHost) async throws -> String = { try await $0.commit("Wrong") }
        /// `%` stands for what `prepare` answered.
        var reference = "%:main"
        let says: [String]
        var testDescription: String { name }
    }

    static let mistakes: [Mistake] = [
        Mistake(
            name: "A19: of another branch", reference: "%:refs/heads/topic",
            says: ["pmo deploys main, not topic", "hint: git push production topic:main"]),
        Mistake(
            name: "A19: that deletes the branch", prepare: { _ in "" }, reference: ":main",
            says: ["refs/heads/main cannot be deleted here"]),
        Mistake(
            name: "A19: of a tag", reference: "%:refs/tags/v1",
            says: ["tags do not deploy: refs/tags/v1", "hint: git push production v1^{commit}:refs/heads/main"]),
        Mistake(
            name: "A19: of a replace ref", reference: "%:refs/replace/1111111111111111111111111111111111111111",
            says: ["pmo deploys main"]),
        Mistake(
            name: "of an empty tree", prepare: { try await $0.commitTree(of: "") },
            says: ["the tree has no files"]),
        Mistake(
            name: "A01: of a tree with a .git entry",
            prepare: { host in
                let blob = try await host.git("hash-object", "-w", "--stdin", input: "[core]\n")
                return try await host.commitTree(of: "100644 blob \(blob)\t.git\n100644 blob \(blob)\tindex.html\n")
            }, says: ["“.git” is a spelling of “.git”", "hint: git rm -r --cached -- .git"]),
        Mistake(
            name: "A04: of a link that leaves the tree",
            prepare: { host in
                let blob = try await host.git("hash-object", "-w", "--stdin", input: "../../../etc/passwd")
                return try await host.commitTree(of: "120000 blob \(blob)\tescape\n100644 blob \(blob)\tindex.html\n")
            }, says: ["escape"]),
        Mistake(
            name: "with an error in the manifest",
            files: ["pmo-release.yml": "app: pmo\nsites:\n  pmo.localhost:\n    rot: dist\n"],
            says: ["pmo-release.yml:4", "rot"]),
        Mistake(
            name: "A22: with a domain that is nginx code",
            files: ["pmo-release.yml": "sites:\n  \"a; } server { root /; }\": { root: . }\n"],
            says: ["pmo-release.yml:2"]),
        Mistake(
            name: "with a manifest for another app",
            files: ["pmo-release.yml": "app: other\nsites: { pmo.localhost: { root: . } }\n"],
            says: ["the manifest is for other, this receiver is pmo's"]),
        Mistake(
            name: "with a key that has no value",
            files: ["pmo-release.yml": "env: { required: [TOKEN] }\nsites: { pmo.localhost: { root: . } }\n"],
            says: ["this environment key has no value: TOKEN", "hint: pmo-release env set pmo TOKEN --stdin"]),
        Mistake(
            name: "A34: with an unknown push option", options: ["-o", "fast"],
            says: ["unknown push option “fast”", "hint: the options are: plan, no-cache, skip-migrate"]),
        Mistake(
            name: "A34: with too many push options", options: (1...50).flatMap { _ in ["-o", "plan"] },
            says: ["too many push options"]),
        Mistake(
            name: "that only asks for the plan", options: ["-o", "plan"],
            says: ["would deploy", "planned only: nothing was changed", "hint: git push production main"]),
    ]

    @Test("leaves releases, refs, objects and ledger as they were", arguments: mistakes)
    func leavesNothing(mistake: Mistake) async throws {
        try await TestHost.with { host in
            let served = try await host.deploy(["index.html": "served\n"], "Served")
            try host.write(mistake.files)
            let what = try await mistake.prepare(host)
            let before = try await host.snapshot()
            let pushed = try await host.push(
                mistake.options + ["+" + mistake.reference.replacingOccurrences(of: "%", with: what)])
            #expect(pushed.status == 1, "\(pushed)")
            #expect(pushed.remote.contains { $0.hasPrefix("pmo-release: error: ") }, "\(pushed)")
            #expect(pushed.remote.contains { $0.hasPrefix("hint: ") }, "\(pushed)")
            for sentence in mistake.says {
                #expect(pushed.remote.contains { $0.contains(sentence) }, "“\(sentence)” in \(pushed)")
            }
            #expect(try await host.snapshot() == before)
            #expect(host.live() == served)
            #expect(try await host.get("/").body == "served\n")
        }
    }

    @Test("of a project that is none lists what was looked for")
    func listsWhatWasLookedFor() async throws {
        try await TestHost.with { host in
            try host.write(["notes.txt": "nothing to run\n"])
            try await host.commit("Only notes")
            let pushed = try await host.push()
            #expect(pushed.status == 1, "\(pushed)")
            for name in ["pmo-release.yml", "Procfile", "index.html", "package.json", "requirements.txt"] {
                #expect(pushed.err.contains(name), "\(name) in \(pushed)")
            }
            #expect(host.releases() == [])
        }
    }
}

extension TestHost {
    func push(_ words: [String]) async throws -> Ended {
        let options = words.filter { !$0.contains(":") }
        return try await run("git", ["push"] + options + ["production"] + words.filter { $0.contains(":") })
    }

    /// Commits a tree of such entries as `git mktree` reads, which checks none of their names.
    func commitTree(of entries: String) async throws -> String {
        let tree = try await git("mktree", input: entries)
        return try await git("commit-tree", tree, "-m", "By hand")
    }
}
