import Foundation
import Glibc
import Testing

/// An answer of the site.
struct Answer: CustomStringConvertible {
    let status: Int
    let headers: [String: String]
    let body: String
    var description: String { "\(status) \(headers)\n\(body)" }
}

/// A row of `list --json`.
struct ListedRelease: Decodable {
    let release: String
    let short: String
    let marks: [String]
    let subject: String
    let who: String
    let deploy: Int
    let bytes: Int
}

/// What can be seen of a host; by other ways than the product's own, except where its commands are what is looked at.
extension TestHost {
    /// Asks nginx for a path, by curl.
    func get(_ path: String, domain: String? = nil) async throws -> Answer {
        let ended = try await run(
            "curl",
            [
                "-sS", "-i", "--max-time", "10", "--path-as-is", "-H", "Host: \(domain ?? self.domain)",
                "http://127.0.0.1:\(port)\(path)",
            ], directory: "/")
        guard ended.status == 0 else { return Answer(status: 0, headers: [:], body: ended.err) }
        let parts = ended.out.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = (parts.first ?? "").split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            headers[pair[0].lowercased()] = pair.count > 1 ? pair[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Answer(status: status, headers: headers, body: parts.count > 1 ? String(parts[1]) : "")
    }

    func list() async throws -> [ListedRelease] {
        let ended = try await pmo("list", app, "--json")
        try #require(ended.status == 0, "\(ended)")
        return try JSONDecoder().decode([ListedRelease].self, from: Data(ended.out.utf8))
    }

    /// What `current` points at.
    func live() -> String? {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(home)/\(app)/current"))?.split(separator: "/")
            .last.map(String.init)
    }

    /// The commit of the receiver's branch; nil where it has none.
    func branch() async throws -> String? {
        let ended = try await run("git", ["rev-parse", "--verify", "--quiet", "refs/heads/main"], directory: receiver)
        return ended.status == 0 ? ended.out.trimmingCharacters(in: .whitespacesAndNewlines) : nil
    }

    /// The names in `releases/`, partial ones among them.
    /// All that is in `releases`, partials too, but for the spare.
    func releases() -> [String] { names("\(home)/\(app)/releases").filter { $0 != ".spare" } }

    func names(_ directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }

    func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    func mode(_ path: String) -> UInt32? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    /// Rows of the ledger, read by Python's sqlite3; each with its columns separated by `|`.
    func ledger(_ query: String) async throws -> [String] {
        let script = """
            import sqlite3, sys
            connection = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=10)
            for row in connection.execute(sys.argv[2]): print("|".join(str(cell) for cell in row))
            """
        let ended = try await run("python3", ["-c", script, "\(home)/\(app)/ledger.sqlite", query])
        if ended.err.contains("no such table") || ended.err.contains("unable to open") { return [] }
        try #require(ended.status == 0, "\(ended)")
        return ended.out.split(separator: "\n").map(String.init)
    }

    /// Everything that a refused push must leave as it was.
    func snapshot() async throws -> Snapshot {
        let objects = try await run("find", ["objects", "-type", "f"], directory: receiver)
        return Snapshot(
            releases: releases(), live: live(),
            references: try await git("for-each-ref", directory: receiver),
            objects: objects.out.split(separator: "\n").map(String.init).sorted(),
            deploys: try await ledger("SELECT * FROM deploys"), events: try await ledger("SELECT * FROM events"))
    }
}

struct Snapshot: Equatable {
    let releases: [String]
    let live: String?
    let references: String
    let objects: [String]
    let deploys: [String]
    let events: [String]
}
