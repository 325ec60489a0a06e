import ReleaseModel
import SiteTemplates
import Testing

/// The texts as they were read and found right. `PMO_RECORD=1` writes them anew.
@Suite("Rendered texts are the golden ones")
struct GoldenTests {
    private func compare(_ text: String, _ name: String, file: String = #filePath) throws {
        let golden = "\(file[..<(file.lastIndex(of: "/") ?? file.endIndex)])/Golden/\(name)"
        if try shellStatus("[ -n \"$PMO_RECORD\" ]").0 == 0 {
            let directory = try TemporaryDirectory()
            try directory.write(text, to: "new")
            try shell("cp \(directory.path)/new \(golden.shellQuoted)")
        }
        #expect(try shell("cat \(golden.shellQuoted)") == text)
    }

    @Test("an app's sites") func site() throws { try compare(SiteTemplates.site(.sample()), "site.conf") }

    @Test("an app's sites and what they share in the host's nginx", arguments: [true, false])
    func host(isNew: Bool) throws {
        let front = HostFront(
            addresses: ["0.0.0.0", "::"], httpPort: 80, httpsPort: 443,
            challenges: "/var/lib/pmo-release/challenges", certificates: "/var/lib/pmo-release/certificates",
            hasHTTP2Directive: isNew)
        var context = try SiteContext.sample()
        context.front = front
        context.logDirectory = "/var/log/pmo-release/shop-staging"
        let shared = try SiteTemplates.host(
            HostContext(
                front: front, sitesDirectory: "/etc/nginx/pmo-release", generation: "g1", isDefault: (true, true),
                untuned: Set(HostContext.Tuning.allCases),
                certificate: "/var/lib/pmo-release/certificates/nobody./pair.pem"))
        try compare(SiteTemplates.site(context), isNew ? "host-site-new.conf" : "host-site.conf")
        try compare(shared, isNew ? "pmo-release-new.conf" : "pmo-release.conf")
    }

    @Test("nginx's own configuration")
    func nginx() throws {
        try compare(SiteTemplates.nginx(.sample(directory: "/srv/pmo/.pmo/nginx", user: "www-data")), "nginx.conf")
    }

    @Test("the scripts of a service")
    func scripts() throws {
        let unit = try SiteTemplates.serviceUnit(.sample("node dist/server.js --name 'it''s'"))
        try compare(unit.run, "run")
        try compare(unit.finish, "finish")
        try compare(unit.stop, "control-t")
        try compare(SiteTemplates.logUnit(directory: "/srv/pmo/shop/logs/services/api/1.1"), "log-run")
    }

    @Test("what certbot runs, where the program was removed: the new certificate takes the place of what nginx reads")
    func renewed() throws {
        let place = try TemporaryDirectory()
        let path = place.path
        let hook = try SiteTemplates.renewalHook(
            program: "\(path)/none", certificates: "\(path)/it's", pid: "\(path)/nginx.pid")
        try compare(
            SiteTemplates.renewalHook(
                program: "/usr/bin/pmo-release-root", certificates: "/var/lib/pmo-release/certificates",
                pid: "/run/nginx.pid"), "renewed")
        try place.write(hook, to: "renewed")
        try place.write("old", to: "it's/shop.example/pair.pem", mode: 0o600)
        try place.write("other", to: "it's/other.example/pair.pem", mode: 0o600)
        try place.write("key\n", to: "live/pmo-shop/privkey.pem")
        try place.write("chain\n", to: "live/pmo-shop/fullchain.pem")
        let run = { (lineage: String) in
            try shell(
                "cd \(path.shellQuoted) && RENEWED_LINEAGE=\(path)/live/\(lineage) "
                    + "RENEWED_DOMAINS='shop.example www.shop.example' sh renewed")
        }
        #expect(try run("of-somebody") == "")
        #expect(place.read("it's/shop.example/pair.pem") == "old")
        #expect(try run("pmo-shop") == "")
        #expect(place.read("it's/shop.example/pair.pem") == "key\nchain\n")
        #expect(try shell("stat -c %a \("\(path)/it's/shop.example/pair.pem".shellQuoted)") == "600\n")
        #expect(place.read("it's/other.example/pair.pem") == "other")
        #expect(try shell("ls \("\(path)/it's".shellQuoted)") == "other.example\nshop.example\n")
        try place.write("the operator's", to: "it's/shop.example/pair.pem", mode: 0o600)
        try place.write("", to: "it's/shop.example/own", mode: 0o600)
        #expect(try run("pmo-shop") == "")
        #expect(place.read("it's/shop.example/pair.pem") == "the operator's")
        try place.write("#!/bin/sh\necho \"$*\"\n", to: "made", mode: 0o755)
        try shell("cp -p \(path)/made \(path)/none")
        #expect(try run("pmo-shop") == "cert deployed\n")
    }

    @Test("the script of a service that cannot write to releases")
    func sealed() throws {
        var context = try UnitContext.sample("node dist/server.js", release: "/srv/it's/shop/releases/abc")
        context.isSealed = true
        let run = try SiteTemplates.serviceUnit(context).run
        let seal = #"'/srv/it'\''s/shop/releases/abc/.pmo/seal' '/srv/it'\''s/shop/releases'"#
        #expect(
            run.contains("    if [ -w '/srv/it'\\''s/shop/releases' ]; then\n        set -- /bin/sh \(seal)\n    fi\n"),
            "\(run)")
        #expect(run.contains("PATH='\(SiteTemplates.programPath)' \"$@\" /bin/sh ./run\n"), "\(run)")
        #expect(run.ranges(of: "/usr/bin/env -i").count == 1, "there is no other way in")
        #expect(try shellStatus("printf %s \(run.shellQuoted) | sh -n").0 == 0)
    }

    @Test("a systemd unit")
    func unit() throws {
        let context = SystemdContext(
            description: "shop api, slot 1, instance 1", directory: "/srv/pmo/shop/slots/api/1/1",
            logDirectory: "/srv/pmo/shop/logs/services/api/1.1", memory: try ByteSize("512M"), isUser: false)
        try compare(SiteTemplates.systemdUnit(context), "service.unit")
    }

    @Test("the unit of a user's manager, with mounts, limits and steps")
    func userUnit() throws {
        var context = SystemdContext(
            description: "shop api, slot 1, instance 1", directory: "/srv/pmo/shop/slots/api/1/1",
            logDirectory: "/srv/pmo/shop/logs/services/api/1.1", memory: try ByteSize("512M"),
            cpus: try ProcessorShare("1.5"), tasks: 64, isUser: true)
        context.writable = ["/srv/pmo/shop/slots/api/1", "/srv/pmo/shop/shared"]
        context.hidden = ["/srv/pmo/.ssh"]
        context.alone = ("/srv/pmo", "/srv/pmo/shop")
        context.hasRestartSteps = true
        try compare(SiteTemplates.systemdUnit(context), "user.unit")
    }

    @Test("an app in somebody's home, or below /tmp, is not hidden from itself", arguments: ["/home/ada/x", "/tmp/x"])
    func hiddenFromItself(_ directory: String) throws {
        var context = SystemdContext(description: "x", directory: directory, logDirectory: "/l", isUser: true)
        context.writable = [directory]
        let text = try SiteTemplates.systemdUnit(context)
        #expect(text.contains("ReadWritePaths=\"-\(directory)\"\n"))
        #expect(text.contains(directory.hasPrefix("/tmp") ? "ProtectHome=yes" : "PrivateTmp=yes"))
        #expect(!text.contains(directory.hasPrefix("/tmp") ? "PrivateTmp=yes" : "ProtectHome=yes"))
    }

    @Test("an environment and a slot")
    func environment() throws {
        let values = [try EnvironmentKey("B"): "it's $x\n\"y\"\\", try EnvironmentKey("A"): ""]
        try compare(SiteTemplates.environmentFile(values), "env")
        try compare(SiteTemplates.slotFile(endpoint: .socket("/srv/it's/1.sock"), instance: 2), "slot")
    }
}
