import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct StoreErrorTests {
    @Test func `a failed call says what, where and why, and how to look`() {
        let error = StoreError.system(action: "write", path: "/srv/pmo/shop/env/values", code: ENOSPC)
        #expect(error.description == "cannot write /srv/pmo/shop/env/values: no space left on device")
        #expect(error.hint == "df -h /srv/pmo/shop/env; df -i /srv/pmo/shop/env")
        #expect(error.outcome == .failed)
    }

    @Test func `a path's control bytes are shown, and quoted in the hint`() {
        let error = StoreError.system(action: "open", path: "/srv/it's\u{1b}/x", code: EACCES)
        #expect(error.description == #"cannot open /srv/it's\x1b/x: permission denied"#)
        #expect(error.hint == "ls -ld '/srv/it'\\''s\u{1b}'")
    }

    @Test func `what names something wrong is refused, with a command that works`() throws {
        let app = try AppName("shop")
        let id = ReleaseID(commit: try commit("a"), build: 2)
        let missing = StoreError.missingRelease(app, id)
        #expect(missing.description == "shop has no complete release aaaaaaa.2")
        #expect(missing.hint == "pmo-release deploy shop aaaaaaa")
        let unknown = StoreError.unknownApp(app, known: [])
        #expect(unknown.description == "there is no app “shop”")
        #expect(unknown.hint == "pmo-release create shop")
        for error in [missing, unknown] { #expect(error.outcome == .refused) }
    }
}
