import SiteTemplates
import Testing

@Suite("Hooks") struct HookTests {
    @Test("each hook is a shell script that names itself", arguments: SiteTemplates.hookNames)
    func named(_ name: String) {
        let text = String(decoding: SiteTemplates.hook(named: name), as: UTF8.self)
        #expect(text.hasPrefix("#!/bin/sh\n"))
        #expect(text.contains("exec \"$program\" \(name) \"$@\""))
    }
}
