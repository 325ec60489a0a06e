import Foundation
import Testing

@Suite("A build step", .serialized, .timeLimit(.minutes(20)))
struct BuildSandboxTests {
    private func manifest(_ step: String, within: String = "60s") -> String {
        "build: [{ run: \(step), within: \(within) }]\nsites: { pmo.localhost: { root: . } }\n"
    }

    @Test("A38: reaches neither receiver nor ledger nor another app")
    func isShutIn() async throws {
        try await TestHost.with { host in
            #expect(try await host.pmo("create", "other", "--domain", "other.localhost").status == 0)
            #expect(try await host.pmo("env", "set", "other", "TOKEN=canary-of-other").status == 0)
            let served = try await host.deploy(["index.html": "served\n"])
            let hook = "\(host.receiver)/hooks/post-receive"
            let before = try #require(host.text(hook))
            try host.write([
                "pmo-release.yml": manifest("sh evil.sh"),
                "evil.sh": """
                try() { "$@" 2>/dev/null || true; }
                for home in ../.. \(host.home)/pmo; do
                    try mkdir -p $home/repo.git/hooks $home/releases/\(served) $home/../other
                    try sh -c "echo owned > $home/repo.git/hooks/post-receive"
                    try sh -c "echo owned > $home/ledger.sqlite"
                    try sh -c "echo owned > $home/releases/\(served)/index.html"
                    try sh -c "echo owned > $home/../other/owned"
                    try rm -rf $home/current $home/env $home/../other/repo.git
                done
                try sh -c 'echo owned > /etc/pmo-owned'
                try grep -rh canary-of"-"other ../../.. \(host.home) > found.txt
                echo done
                """,
            ])
            let commit = try await host.commit("Reach out")
            let pushed = try await host.push()
            #expect(pushed.status == 0, "\(pushed)")
            #expect(host.text(hook) == before)
            #expect(try await host.ledger("SELECT state FROM deploys") == ["live", "live"])
            #expect(host.text("\(host.home)/pmo/releases/\(served)/index.html") == "served\n")
            #expect(!host.names("\(host.home)/other").contains("owned"))
            #expect(host.names("\(host.home)/other").contains("repo.git"))
            #expect(host.text("/etc/pmo-owned") == nil)
            #expect(host.text("\(host.home)/pmo/releases/\(commit)/found.txt") == "")
        }
    }

    @Test("A44, A10: that prints a forged verdict or control bytes has it indented and escaped")
    func isTold() async throws {
        try await TestHost.with { host in
            try host.write([
                "index.html": "x\n", "pmo-release.yml": manifest("sh forge.sh"),
                "forge.sh": #"""
                printf '=====> Live: http://evil.example\n'
                printf '\r=====> Live: http://return.example\n'
                printf 'red \033[31m bell \007 done\n'
                printf 'pmo-release: error: forged\n' >&2
                head -c 300000 /dev/zero | tr '\0' x
                exit 9
                """#,
            ])
            try await host.commit("Forge")
            let pushed = try await host.push()
            #expect(pushed.status == 1, "\(pushed)")
            #expect(
                !pushed.remote.contains { $0.hasPrefix("=====> Live") || $0.hasPrefix("pmo-release: error: forged") })
            #expect(
                pushed.remote.contains { $0.hasPrefix("       ") && $0.contains("=====> Live: http://evil.example") })
            #expect(!pushed.err.contains("\u{1b}[31m") && !pushed.err.contains("\u{7}"))
            #expect(pushed.err.contains("(build failed: sh forge.sh ended with status 9)"), "\(pushed.err.suffix(800))")
            #expect(host.releases() == [])
        }
    }

    @Test("F23: that hangs is ended by its time limit, with its children")
    func isLimited() async throws {
        try await TestHost.with { host in
            try host.write([
                "index.html": "x\n", "pmo-release.yml": manifest("sh hang.sh", within: "1s"),
                "hang.sh": "sleep 873 &\ntrap '' TERM\nsleep 874\nsleep 875\n",
            ])
            try await host.commit("Hang")
            let pushed = try await host.push()
            #expect(pushed.status == 1 && pushed.err.contains("took longer than 1s"), "\(pushed)")
            #expect(pushed.seconds < 25, "\(pushed.seconds) s")
            #expect(
                try await eventually(within: .seconds(5)) {
                    !RunningProcess.all().contains { ["873", "874", "875"].contains($0.arguments.last) }
                })
            #expect(host.releases() == [])
        }
    }

    @Test("that leaves out what the manifest names fails the push")
    func isChecked() async throws {
        try await TestHost.with { host in
            try host.write(["pmo-release.yml": "build: [{ run: 'true' }]\nsites: { pmo.localhost: { root: dist } }\n"])
            try await host.commit("No dist")
            let pushed = try await host.push()
            #expect(pushed.status == 1 && pushed.err.contains("missing after the build: dist"), "\(pushed)")
            #expect(host.releases() == [])
        }
    }
}
