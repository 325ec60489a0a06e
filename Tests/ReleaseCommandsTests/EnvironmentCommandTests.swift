import Foundation
import Testing

@Suite("pmo-release env", .serialized, .timeLimit(.minutes(20)))
struct EnvironmentCommandTests {
    @Test("takes values by argument, by standard input and from a file, quotes and newlines included")
    func roundTrip() async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("env", "set", "pmo", "PLAIN=a b", "EMPTY=", "EQUALS=a=b=c").status == 0)
            #expect(try await host.pmo("env", "get", "pmo", "PLAIN").out == "a b\n")
            #expect(try await host.pmo("env", "get", "EQUALS").out == "a=b=c\n")
            #expect(try await host.pmo("env", "get", "EMPTY").out == "\n")

            let hard = "say \"hi\", it's $HOME `id` \\n\nsecond line\té ☃"
            #expect(try await host.pmo("env", "set", "pmo", "HARD", "--stdin", input: hard + "\n").status == 0)
            #expect(try await host.pmo("env", "get", "pmo", "HARD").out == hard + "\n")

            let file =
                "# a comment\nexport ONE=1 # one\nTWO=\"two\\nlines \\\"quoted\\\"\"\nTHREE='raw \\n $x'\nFOUR=\"a\nb\"\n"
            #expect(try await host.pmo("env", "import", "pmo", "-", input: file).status == 0)
            #expect(try await host.pmo("env", "get", "ONE").out == "1\n")
            #expect(try await host.pmo("env", "get", "TWO").out == "two\nlines \"quoted\"\n")
            #expect(try await host.pmo("env", "get", "THREE").out == "raw \\n $x\n")
            #expect(try await host.pmo("env", "get", "FOUR").out == "a\nb\n")

            let masked = try await host.pmo("env", "list", "pmo")
            #expect(masked.out.contains("PLAIN=••••\n") && !masked.out.contains("a b"), "\(masked)")
            #expect(try await host.pmo("env", "list", "--values").out.contains("PLAIN=a b\n"))
            let json = try await host.pmo("env", "list", "--values", "--json")
            #expect(try JSONDecoder().decode([String: String].self, from: Data(json.out.utf8))["HARD"] == hard)

            #expect(try await host.pmo("env", "unset", "pmo", "PLAIN", "ONE").status == 0)
            let gone = try await host.pmo("env", "get", "pmo", "PLAIN")
            #expect(gone.status == 3 && gone.err.contains("PLAIN is not set"), "\(gone)")
            for name in host.names("\(host.home)/pmo/env") where name != "lock" {
                #expect(host.mode("\(host.home)/pmo/env/\(name)") == 0o600, "\(name)")
            }
            let recorded = try await host.ledger("SELECT verb, detail FROM events ORDER BY id LIMIT 1")
            #expect(recorded == ["env set|EMPTY, EQUALS, PLAIN"])
        }
    }

    @Test("A24: the service and its .env get a hard value as it was set")
    func arrives() async throws {
        try await TestHost.with { host in
            let hard = "it's \"quoted\" $HOME `id` #x \\n\nline two = 2"
            #expect(try await host.pmo("env", "set", "pmo", "HARD", "--stdin", input: hard).status == 0)
            try await host.deploy([
                "server.js": """
                const http = require("node:http");
                http.createServer((_, answer) => answer.end(JSON.stringify(process.env.HARD)))
                  .listen(Number(process.env.PORT), "127.0.0.1");
                """, "Procfile": "web: node server.js\n",
            ])
            let body = try await host.get("/").body
            #expect(try JSONDecoder().decode(String.self, from: Data(body.utf8)) == hard, "\(body)")
        }
    }

    @Test(
        "refuses reserved keys, keys that are none, and files that are none",
        arguments: [
            (["set", "pmo", "PORT=80"], "PORT is set by pmo-release itself"),
            (["set", "pmo", "SOCKET=/x"], "SOCKET is set by pmo-release itself"),
            (["set", "pmo", "PMO_KEY=root"], "PMO_KEY is set by pmo-release itself"),
            (["set", "pmo", "1A=x"], "environment key"), (["set", "pmo", "A B=x"], "environment key"),
            (["set", "nobody", "A=x"], "there is no app nobody here"), (["get", "pmo", "NONE"], "NONE is not set"),
            (["get", "NONE"], "hint: pmo-release env list pmo"), (["unset", "pmo", "NONE"], "NONE is not set"),
            (["unset", "pmo", "NONE"], "hint: pmo-release env list pmo"),
            (["import", "pmo", "/nowhere"], "cannot read /nowhere"),
        ])
    func refuses(words: [String], sentence: String) async throws {
        try await TestHost.with { host in
            let refused = try await host.run("pmo-release", ["env"] + words)
            #expect(refused.status == 3, "\(refused)")
            #expect(refused.err.hasPrefix("pmo-release: error: ") && refused.err.contains(sentence), "\(refused)")
            #expect(try await host.pmo("env", "list", "--json").out.filter { !$0.isWhitespace } == "{}")
        }
    }

    @Test("says how a value is given where a key comes without one")
    func needsValue() async throws {
        try await TestHost.with { host in
            let refused = try await host.pmo("env", "set", "pmo", "API_KEY")
            #expect(refused.status == 64 && refused.err.contains("“API_KEY” is not <key>=<value>"), "\(refused)")
            let hint = "hint: pmo-release env set pmo API_KEY=…, or API_KEY --stdin"
            #expect(refused.err.contains(hint), "\(refused)")
        }
    }

    @Test("refuses a file with a bad line by its number, and takes none of it")
    func refusesBadLine() async throws {
        try await TestHost.with { host in
            let refused = try await host.pmo("env", "import", "pmo", "-", input: "A=1\nno equals\nB=2\n")
            #expect(refused.status == 3 && refused.err.contains("-:2: a line without “=”"), "\(refused)")
            #expect(try await host.pmo("env", "list", "pmo").out == "")
        }
    }
}
