import ReleaseModel
import SiteTemplates
import Testing

@Suite("Templates are strict")
struct StrictTemplateTests {
    private func render(_ template: String, _ values: [String: String] = [:]) throws -> String {
        let values = try Dictionary(uniqueKeysWithValues: values.map { (try EnvironmentKey($0.key), $0.value) })
        return try SiteTemplates.render(template: template, name: ".env.template", values: values)
    }

    @Test("all missing variables are listed, sorted, also those in sections")
    func missing() throws {
        let template = "A={{B}}\nC={{{A}}}\n{{#S}}{{&D}}{{/S}}{{^T}}{{B}}{{/T}}{{! {{Z }}\n"
        #expect(try SiteTemplates.missingVariables(in: template, values: ["B"]) == ["A", "D", "S", "T"])
        let error = try #require(throws: TemplateError.self) { try render(template, ["B": "x"]) }
        #expect(error == .missing(template: ".env.template", names: ["A", "D", "S", "T"]))
        #expect(error.hint == "pmo-release env set <app> A=<value> D=<value> S=<value>")
        #expect(error.outcome == .refused)
    }

    @Test(
        "A25: what reads other files, or is not well formed, is refused with its line",
        arguments: [
            ("a\n{{> /etc/passwd}}", 2, "a partial is not accepted"), ("{{>*name}}", 1, "a partial"),
            ("{{<parent}}{{/parent}}", 1, "a parent"),
            ("{{$block}}{{/block}}", 1, "a block"), ("{{=<% %>=}}", 1, "a change of delimiters"),
            ("{{% CONTENT_TYPE:HTML}}", 1, "a pragma"),
            ("\n\n{{A", 3, "is not closed"), ("{{{A}}", 1, "is not closed"), ("{{}}", 1, "no variable's name"),
            ("{{ }}", 1, "no variable's name"),
            ("{{A.B}}", 1, "no variable's name"), ("{{.}}", 1, "no variable's name"),
            ("{{upper(A)}}", 1, "no variable's name"),
            ("{{A B}}", 1, "no variable's name"), ("{{1A}}", 1, "no variable's name"),
            ("{{A\n}}", 1, "no variable's name"),
            ("{{#A}}", 1, "does not end"), ("{{/A}}", 1, "ends no section"),
            ("{{#A}}{{#B}}{{/A}}{{/B}}", 1, "ends no section"),
            ("{{\u{1b}}}", 1, "“\\x1b”"), (String(repeating: "{{#A}}", count: 40), 1, "nested deeper"),
            ("{{A}\u{301}}", 1, "is not closed"),
        ])
    func malformed(_ template: String, _ line: Int, _ says: String) throws {
        let error = try #require(throws: TemplateError.self) { try render(template, ["A": "x", "B": "y"]) }
        guard case .malformed(_, let found, let problem) = error else { throw error }
        #expect(found == line)
        #expect(problem.contains(says), "said: \(problem)")
    }

    @Test(
        "values are quoted where they need it",
        arguments: [
            ("K={{V}}", "plain-1._/:@%+,=", "K=plain-1._/:@%+,="), ("K={{V}}", "", "K="),
            ("K={{V}}", "a b", "K=\"a b\""),
            ("K={{V}}\n", "a\nb\r", "K=\"a\\nb\\r\"\n"), ("K={{V}}", "a\"b\\c$d", "K=\"a\\\"b\\\\c\\$d\""),
            ("K={{V}}", "it's", "K=\"it's\""),
            ("K={{V}}", "#x", "K=\"#x\""), ("K= {{V}} # c", "a b", "K= \"a b\" # c"),
            ("K=\"{{V}}\"", "a b", "K=\"a b\""),
            ("K=\"{{V}}\"", "a\"b\nc", "K=\"a\\\"b\\nc\""), ("K=\"pre {{V}} post\"", "$x", "K=\"pre \\$x post\""),
            ("K=\"a\\\"{{V}}\"", "x y", "K=\"a\\\"x y\""), ("K='{{V}}'", "a\"b$c", "K='a\"b$c'"),
            ("K={{{V}}}", "a b\"", "K=a b\""),
            ("K={{&V}}", "a b\"", "K=a b\""), ("U=http://h:{{V}}/x", "8080", "U=http://h:8080/x"),
            ("# {{V}} don't", "x y", "# x y don't"),
            ("# don't\nK={{V}}", "x y", "# don't\nK=\"x y\""), ("K=don't\nL={{V}}", "x y", "K=don't\nL=\"x y\""),
            ("export K={{V}}", "x y", "export K=\"x y\""), ("{\"k\": \"{{V}}\"}", "x\"y", "{\"k\": \"x\\\"y\"}"),
            ("K=\"a\nb {{V}}\nc\"", "x\"", "K=\"a\nb x\\\"\nc\""),
            ("K={{V}}\r\nL=1\r\n", "a b", "K=\"a b\"\r\nL=1\r\n"),
            ("K={{ V }}", "x", "K=x"), ("K={{V}}", "\u{fc}", "K=\"\u{fc}\""), ("K={{V}}", "<a>&amp;", "K=\"<a>&amp;\""),
            ("K={{V}}", "{{OTHER}}", "K=\"{{OTHER}}\""), ("K={{{V}}}", "{{> /etc/passwd}}", "K={{> /etc/passwd}}"),
        ])
    func quoted(_ template: String, _ value: String, _ text: String) throws {
        #expect(try render(template, ["V": value]) == text)
    }

    @Test(
        "A24: a value that cannot stand where the template wants it is refused, not bent",
        arguments: [
            ("K='{{V}}'", "it's", "between single quotes"), ("U=http://{{V}}/x", "a b", "part of a value"),
            ("U=x{{V}}", "a b", "part of a value"),
            ("U={{V}}x", "a b", "part of a value"), ("U={{V}}{{V}}", "a b", "part of a value"),
            ("# {{V}}", "a\nK=evil", "several lines"),
            ("K=1 # {{V}}", "a\nK=evil", "several lines"),
        ])
    func unfit(_ template: String, _ value: String, _ says: String) throws {
        let error = try #require(throws: TemplateError.self) { try render(template, ["V": value]) }
        #expect(error.description.contains(says))
        #expect(!error.description.contains("evil"))
    }

    @Test("a section stands when its value is not empty", arguments: [("", "^"), ("0", "#0"), ("false", "#false")])
    func section(_ value: String, _ text: String) throws {
        #expect(try render("{{#V}}#{{V}}{{/V}}{{^V}}^{{/V}}", ["V": value]) == text)
    }

    @Test("lines of a section's tags alone leave nothing behind")
    func standalone() throws {
        let template = "A=1\n{{#SMTP}}\nSMTP={{SMTP}}\n{{/SMTP}}\nB=2\n"
        #expect(try render(template, ["SMTP": "mail:25"]) == "A=1\nSMTP=mail:25\nB=2\n")
        #expect(try render(template, ["SMTP": ""]) == "A=1\nB=2\n")
    }

    @Test(
        "a value comes back when a shell reads the rendered file",
        arguments: [
            "a b", "it's", "\"", "\\", "$HOME", "`id`", "$(id)", "!x", "a#b", "\u{fc} \u{1f600}", "*", "~", "a;b|c&d",
            "\t",
        ])
    func shellReadsIt(_ value: String) throws {
        // A backquote is a dotenv reader's own business; every other value means the same to a shell.
        guard !value.contains("`") else { return }
        let directory = try TemporaryDirectory()
        try directory.write(try render("K={{V}}\nL=\"{{V}}\"\n", ["V": value]), to: ".env")
        #expect(try shell(". \(directory.path)/.env; printf '%s|%s' \"$K\" \"$L\"") == "\(value)|\(value)")
    }
}
