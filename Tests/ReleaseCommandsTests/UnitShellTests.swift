import ReleaseModel
import Testing

@testable import ReleaseCommands

@Suite("ShellRequest reads what ssh clients ask for")
struct UnitShellTests {
    @Test(
        "git's own words are understood, in every way a client writes the path",
        arguments: [
            "git-receive-pack 'pmo'", "git-receive-pack '/pmo'", "git-receive-pack '/pmo.git'",
            "git-receive-pack 'pmo.git'",
            "git-receive-pack '/srv/pmo/pmo/repo.git'", "git receive-pack 'pmo'", "git-receive-pack pmo",
            "git-receive-pack '/pmo/'",
        ])
    func push(_ text: String) throws { #expect(try ShellRequest(text) == .push(AppName("pmo"))) }

    @Test("A fetch is no push", arguments: ["git-upload-pack 'pmo'", "git upload-pack '/pmo.git'"])
    func fetch(_ text: String) throws { #expect(try ShellRequest(text) == .fetch(AppName("pmo"))) }

    @Test("Our own commands are split at spaces")
    func command() throws {
        #expect(try ShellRequest("list pmo") == .command(["list", "pmo"]))
        #expect(try ShellRequest("switch  pmo 4f2c9ab.2") == .command(["switch", "pmo", "4f2c9ab.2"]))
        #expect(try ShellRequest("logs pmo -n 20") == .command(["logs", "pmo", "-n", "20"]))
        #expect(try ShellRequest("list --json") == .command(["list", "--json"]))
        #expect(try ShellRequest("pmo-release rollback pmo") == .command(["rollback", "pmo"]), "as hints are written")
        for verb in ShellRequest.verbs.keys { #expect(try ShellRequest(verb) == .command([verb])) }
    }

    @Test(
        "A30–A36: everything else is refused",
        arguments: [
            // Shells, and nothing at all.
            "", " ", "pmo-release", "pmo-release env list", "pmo-release pmo-release list", "sh", "/bin/sh", "bash -i",
            "sh -c id", "scp -t /tmp", "sftp", "/usr/lib/openssh/sftp-server",
            "rsync --server . /", "git", "git-shell", "git-upload-archive 'pmo'", "git archive pmo", "internal-sftp",
            // A second command behind a good one.
            "git-receive-pack 'x'; id", "git-receive-pack 'pmo' && id", "git-receive-pack 'pmo'\nid",
            "git-receive-pack 'pmo'|id", "git-receive-pack 'pmo' 'x'", "git-receive-pack 'pmo'''",
            "git-receive-pack pmo;id",
            "git-receive-pack $(id)", "git-receive-pack `id`", "git-receive-pack 'pmo", "git-receive-pack pmo'",
            "git-receive-pack 'p'mo'", "git-receive-pack \"pmo\"", "git-receive-pack 'pmo'\u{0}",
            "git-receive-pack\t'pmo'",
            "git-receive-pack 'pmo\r'",
            // Paths and options in the place of an app.
            "git-receive-pack", "git-receive-pack ", "git-receive-pack ''", "git-receive-pack '/'",
            "git-receive-pack '..'",
            "git-receive-pack '/repo.git'", "git-receive-pack '.git'", "git-receive-pack '../../etc/passwd'",
            "git-receive-pack '--upload-pack=x'", "git-upload-pack '-x'", "git-receive-pack ' pmo'",
            "git-receive-pack 'PMO'", "git-receive-pack 'p\u{301}mo'", "git-receive-pack --stateless-rpc 'pmo'",
            // Verbs that a key may not use, and words that a shell would read.
            "create x", "destroy pmo", "env list", "env get pmo SECRET", "shell --key x", "deploy-worker pmo 1",
            "shutdown",
            "run pmo sh", "key add x", "LIST", "--help", "-h", "list;id", "list $(id)", "list `id`", "list pmo\nid",
            "list pmo > /x", "list 'pmo'", "list ../../etc", "list pmo\u{0}", "list é", "list --home=/tmp",
            "list --home /tmp",
            "list\tpmo", "list *", "list ~", "list pmo\r", "GIT_DIR=/x list", "list A=b", "list @x", "list [x",
            "list {x}",
        ])
    func refused(_ text: String) { #expect(throws: (any Error).self) { try ShellRequest(text) } }

    @Test("A30: a command of a megabyte is refused")
    func long() {
        let name = String(repeating: "x", count: 1 << 20)
        #expect(throws: ShellError.refused) { try ShellRequest("git-receive-pack '\(name)'") }
        #expect(throws: ShellError.refused) { try ShellRequest("list " + name) }
    }

    @Test("A36: an app that is not there and a name that is none are told in the same words")
    func sameWords() {
        let error = #expect(throws: (any Error).self) { try ShellRequest("git-receive-pack 'Nobody'") }
        #expect(error.map { "\($0)" } == "there is no app Nobody here")
    }

    @Test(
        "A key's name is letters, digits and a few signs", arguments: ["alice", "a", "0", "alice@laptop", "CI_1.x-y"])
    func keyName(_ text: String) throws { #expect(try KeyName(text).text == text) }

    @Test(
        "A32: what could leave its line or its place is no key's name",
        arguments: [
            "", "-a", "@a", ".a", "_a", "a b", "a\nb", "a\r", "a\r\nb", "a\tb", "a\"b", "a'b", "a,b", "a=b", "a/b",
            "a\\b", "é",
            "a\u{301}", "a\u{0}", "a;b", "$a", "a\u{202e}b", String(repeating: "a", count: 65),
        ])
    func badKeyName(_ text: String) { #expect(throws: InvalidValue.self) { try KeyName(text) } }
}
