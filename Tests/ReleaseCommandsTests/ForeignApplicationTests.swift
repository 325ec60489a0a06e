import Foundation
import Testing

@Suite("An application that nobody here wrote", .serialized, .timeLimit(.minutes(20)))
struct ForeignApplicationTests {
    @Test("httpbin from PyPI with a one-line Procfile is built in a venv and answers, on PORT and on SOCKET")
    func httpbin() async throws {
        try await TestHost.with(app: "httpbin") { host in
            try await host.fetchHttpbin()
            try host.write(["Procfile": "web: gunicorn -b 127.0.0.1:$PORT httpbin:app\n"])
            let commit = try await host.commit("httpbin 0.10.2")
            let pushed = try await host.push(within: .seconds(300))
            try #require(pushed.status == 0, "\(pushed)")
            let answer = try await host.get("/get?one=1")
            #expect(
                answer.status == 200 && answer.body.filter { !$0.isWhitespace }.contains(#""one":"1""#), "\(answer)")
            #expect(answer.headers["server"]?.hasPrefix("nginx") == true)
            #expect(host.text("\(host.home)/httpbin/releases/\(commit)/.venv/bin/gunicorn")?.hasPrefix("#!") == true)
            #expect(try await host.get("/status/418").status == 418)

            try host.write(["Procfile": "web: gunicorn -b unix:$SOCKET httpbin:app\n"])
            try await host.commit("On a socket")
            let again = try await host.push(within: .seconds(300))
            try #require(again.status == 0, "\(again)")
            #expect(try await host.get("/get").status == 200)
            #expect(try await host.pmo("ps").out.contains(".sock"))
        }
    }
}

extension TestHost {
    /// Unpacks httpbin's source distribution into the work tree; its content is known by its hash.
    func fetchHttpbin() async throws {
        let script = """
            import hashlib, io, os, re, subprocess, sys, tarfile, urllib.parse, urllib.request
            configured = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode().strip()
            index = os.environ.get("PIP_INDEX_URL") or configured or "https://pypi.org/simple"
            page = index.rstrip("/") + "/httpbin/"
            text = urllib.request.urlopen(page, timeout=60).read().decode()
            link = next(link for link in re.findall(r'href="([^"]+)"', text) if "httpbin-0.10.2.tar.gz" in link)
            data = urllib.request.urlopen(urllib.parse.urljoin(page, link), timeout=60).read()
            assert hashlib.sha256(data).hexdigest() == "632148698261c8684ea2d2b624cdea845b402b1fe91736e89df886408c6317a9"
            tarfile.open(fileobj=io.BytesIO(data)).extractall(sys.argv[1])
            """
        // What is needed to reach the index, such as a proxy or a certificate, is in the environment of the tests.
        let ended = try await Subprocess(
            Programs.find("python3"), ["-c", script, root], environment: ProcessInfo.processInfo.environment,
            directory: root, input: ""
        ).ended(within: .seconds(150))
        try #require(ended.status == 0, "\(ended)")
        try await run("cp", ["-R", "\(root)/httpbin-0.10.2/.", work])
    }
}
