import ReleaseModel
import Testing

@Suite("A pattern of paths")
struct PathPatternTests {
    @Test(
        "overlaps what may be the same or lie in it, and nothing else",
        arguments: [
            ("apps/*/modules", "apps/web", true), ("apps/*/modules", "apps/web/modules/x", true),
            ("apps/*/modules", "apps/web/src", false), ("apps/web", "apps/web.js", false), (".", "a", true),
            ("a*c", "ab*", true), ("a*c", "b*", false), ("*.js", "*.css", false), ("x*.js", "*y.js", true),
            ("*", ".env", false), ("*", ".pmo", false),
        ])
    func overlaps(_ one: String, _ other: String, _ expected: Bool) throws {
        // `.pmo` is no path at all.
        guard let first = try? PathPattern(one), let second = try? PathPattern(other) else {
            #expect(!expected)
            return
        }
        #expect(first.overlaps(second) == expected)
        #expect(second.overlaps(first) == expected)
    }

    @Test(
        "names a part of one name by its star, as a shell does",
        arguments: [
            ("*.json", "package.json", true), ("*.json", ".json", false), ("pack*on", "package.json", true),
            ("package*package", "package", false), ("*", ".git", false), (".g*", ".git", false), (".g*", ".gone", true),
        ])
    func matches(_ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(try #require(PathPattern(pattern).parts.first).matches(name) == expected)
    }

    @Test(
        "A28: is refused where it would leave the release", arguments: ["../*", "/a", "a/../b", ".pmo/*", "a**b", ""])
    func isRefused(_ text: String) { #expect(throws: InvalidValue.self) { try PathPattern(text) } }

    @Test("covers a path that it names or that lies in it")
    func covers() throws {
        #expect(try PathPattern("apps/*").covers(ReleasePath("apps/api/.env")))
        #expect(try !PathPattern("apps/*/x").covers(ReleasePath("apps/api")))
        #expect(try PathPattern(".").covers(ReleasePath("a")))
    }
}
