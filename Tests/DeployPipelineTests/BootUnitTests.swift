import ReleaseStore
import SystemPackage
import Testing

@testable import DeployPipeline

@Suite("The unit that resumes at boot")
struct BootUnitTests {
    @Test("F14: it resumes every app of its home, once, before anybody asks")
    func text() throws {
        let unit = BootUnit(HostLayout(home: "/srv/pmo"))
        #expect(unit.name == "pmo-release-resume.service")
        let text = try unit.text(isUser: false)
        #expect(text.contains("\nExecStart=\"/srv/pmo/.pmo/bin/pmo-release\" resume --all --home \"/srv/pmo\"\n"))
        #expect(text.contains("\nType=oneshot\n") && text.contains("\nWantedBy=multi-user.target\n"))
    }

    @Test("Homes beside the usual one have units of their own")
    func names() throws {
        let unit = BootUnit(HostLayout(home: "/home/ada/50 % apps"))
        #expect(unit.name == "pmo-release-resume-home-ada-50---apps.service")
        #expect(try unit.text(isUser: true).contains("--home \"/home/ada/50 %% apps\"\n"))
    }
}
