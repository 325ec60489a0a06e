import ReleaseModel
import SiteTemplates
import Testing

@Suite("Hooks")
struct HookTests {
    @Test(
        "each hook runs the program with its own name, the arguments and standard input",
        arguments: SiteTemplates.hookNames)
    func runs(_ name: String) throws {
        let home = try TemporaryDirectory("a home's")
        try home.write("#!/bin/sh\nprintf '%s|' \"$@\"; cat\n", to: ".pmo/bin/post-receive", mode: 0o755)
        try home.write(
            String(decoding: SiteTemplates.hook(named: name), as: UTF8.self), to: "shop/repo.git/hooks/\(name)",
            mode: 0o755)
        let repository = "\(home.path)/shop/repo.git".shellQuoted
        #expect(try shell("cd \(repository) && echo line | hooks/\(name) 'a b'") == "\(name)|a b|line\n")
        #expect(try shell("cd \(repository) && echo line | GIT_DIR=. \"$PWD\"/hooks/\(name)") == "\(name)|line\n")
    }

    @Test("a hook whose program is gone fails and says so", arguments: SiteTemplates.hookNames)
    func programGone(_ name: String) throws {
        let home = try TemporaryDirectory()
        try home.write(
            String(decoding: SiteTemplates.hook(named: name), as: UTF8.self), to: "shop/repo.git/hooks/\(name)",
            mode: 0o755)
        let (status, output) = try shellStatus("cd \(home.path)/shop/repo.git && hooks/\(name)")
        #expect(status == 1)
        #expect(output.hasPrefix("pmo-release: error: the program behind the \(name) hook is gone"))
        #expect(output.contains("\nhint: "))
    }

    @Test("there is no other hook")
    func unknown() { #expect(SiteTemplates.hook(named: "update").isEmpty) }
}
