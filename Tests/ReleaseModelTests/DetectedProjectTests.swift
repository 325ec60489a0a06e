import ReleaseModel
import Testing

@Suite("The kind of project is recognised")
struct DetectedProjectTests {
    private static let venv = "python3 -m venv \"$PMO_RELEASE/.venv\""
    private static let pip = ".venv/bin/pip install --disable-pip-version-check"

    private func read(_ files: [String: String]) throws(ManifestError) -> Manifest {
        try Manifest.read(from: FileTree(files))
    }
    private func steps(_ files: [String: String]) throws -> [String] { try read(files).build.map(\.run) }
    private func web(_ files: [String: String]) throws -> String? { try read(files).services.first?.command }

    @Test("httpbin's source distribution with a one-line Procfile gets a venv, itself and gunicorn")
    func httpbin() throws {
        let manifest = try read([
            "Procfile": "web: gunicorn -b 127.0.0.1:$PORT httpbin:app",
            "pyproject.toml": "[build-system]\nrequires = [\"setuptools\"]\n[project]\nname = \"httpbin\"\n",
            "setup.cfg": "", "tox.ini": "", "httpbin/__init__.py": "", "httpbin/core.py": "",
        ])
        #expect(manifest.origin == .procfile(.python))
        #expect(
            manifest.build.map(\.run) == [
                Self.venv, "\(Self.pip) .", "[ -x .venv/bin/gunicorn ] || \(Self.pip) gunicorn",
            ])
        #expect(manifest.services.map(\.listen) == [.port])
        #expect(manifest.notes.contains { $0.hasPrefix("gunicorn is not in pyproject.toml") })
    }

    @Test(
        "Python is installed from what it has",
        arguments: [
            (["requirements.txt": "flask\n", "pyproject.toml": "[project]"], "-r requirements.txt"),
            (["pyproject.toml": "[project]"], "."), (["pyproject.toml": "[tool.poetry]"], "."), (["setup.py": ""], "."),
        ])
    func pythonInstall(_ files: [String: String], _ what: String) throws {
        let files = files.merging(["app.py": ""]) { $1 }
        #expect(try steps(files) == [Self.venv, "\(Self.pip) \(what)"])
        #expect(try read(files).origin == .detected(.python))
    }

    @Test("a pyproject.toml with only tools in it installs nothing, and says so")
    func onlyTools() throws {
        let manifest = try read(["pyproject.toml": "[tool.ruff]\n", "main.py": ""])
        #expect(manifest.build.map(\.run) == [Self.venv])
        #expect(manifest.notes == ["pyproject.toml has no [project]; nothing is installed from it"])
    }

    @Test(
        "the server of a Python project is the obvious one",
        arguments: [
            (["app.py": ""], "python app.py"), (["main.py": ""], "python main.py"), (["wsgi.py": ""], "python wsgi.py"),
            (["wsgi.py": "", "app.py": ""], "python app.py"),
            (
                [
                    "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')", "shop/wsgi.py": "",
                    "a/wsgi.py": "",
                ],
                "gunicorn -b 127.0.0.1:$PORT shop.wsgi:application"
            ),
            (["manage.py": "", "shop/wsgi.py": "", "app.py": ""], "gunicorn -b 127.0.0.1:$PORT shop.wsgi:application"),
        ])
    func pythonServer(_ files: [String: String], _ command: String) throws {
        #expect(try web(files.merging(["requirements.txt": "x"]) { $1 }) == command)
    }

    @Test("a Django project gets gunicorn where it lacks it, and collectstatic where it has a STATIC_ROOT")
    func django() throws {
        let files = ["manage.py": "shop.settings", "shop/wsgi.py": "", "requirements.txt": "Django\n"]
        #expect(try steps(files).last == "[ -x .venv/bin/gunicorn ] || \(Self.pip) gunicorn")
        let collected = try steps(files.merging(["shop/settings.py": "STATIC_ROOT = 'static'"]) { $1 })
        #expect(collected.last == ".venv/bin/python manage.py collectstatic --noinput")
    }

    @Test("lock files that pip does not read are named")
    func unreadLock() throws {
        let notes = try read(["pyproject.toml": "[project]", "uv.lock": "", "app.py": ""]).notes
        #expect(notes.contains { $0.hasPrefix("uv.lock is not read") })
    }

    @Test(
        "Node is installed by the lock file it has",
        arguments: [
            ([:], ["npm install"]), (["package-lock.json": ""], ["npm ci"]), (["npm-shrinkwrap.json": ""], ["npm ci"]),
            (["pnpm-lock.yaml": ""], ["pnpm install --frozen-lockfile"]),
            (["yarn.lock": ""], ["yarn install --frozen-lockfile"]),
            (["pnpm-lock.yaml": "", "package-lock.json": ""], ["pnpm install --frozen-lockfile"]),
        ])
    func nodeInstall(_ files: [String: String], _ expected: [String]) throws {
        let package = #"{"dependencies": {"a": "1"}, "scripts": {"start": "node x.js"}}"#
        let manifest = try read(files.merging(["package.json": package]) { $1 })
        #expect(manifest.build.map(\.run) == expected)
        #expect(manifest.origin == .detected(.node))
        if files.count == 2 {
            #expect(manifest.notes.contains { $0.contains("chose pnpm") && $0.contains("package-lock.json") })
        }
    }

    @Test("packageManager chooses between two lock files")
    func packageManager() throws {
        let package =
            #"{"packageManager": "yarn@4.1.0", "dependencies": {"a": "1"}, "scripts": {"start": "x", "build": "y"}}"#
        let files = ["package.json": package, "pnpm-lock.yaml": "", "yarn.lock": ""]
        #expect(try steps(files) == ["yarn install --frozen-lockfile", "yarn run build"])
        #expect(try web(files) == "yarn start")
    }

    @Test(
        "Node without dependencies installs nothing, and is built by its script",
        arguments: [
            (#"{"scripts": {"start": "x"}}"#, []), (#"{"dependencies": {}, "scripts": {"start": "x"}}"#, []),
            (#"{"scripts": {"start": "x", "build": "y"}}"#, ["npm run build"]),
            (#"{"devDependencies": {"a": "1"}, "scripts": {"start": "x"}}"#, ["npm install"]),
            (#"{"optionalDependencies": {"a": "1"}, "scripts": {"start": "x"}}"#, ["npm install"]),
            (#"{"workspaces": ["apps/*"], "scripts": {"start": "x"}}"#, ["npm install"]),
            (#"{"dependencies": ["odd"], "scripts": {"start": 1}}"#, []),
        ])
    func nodeBuild(_ package: String, _ expected: [String]) throws {
        #expect(try steps(["package.json": package]) == expected)
    }

    @Test(
        "Node is started by its script, server.js or main",
        arguments: [
            (#"{"scripts": {"start": "x"}}"#, "npm start"), ("{}", "node server.js"),
            (#"{"main": "lib/run it.js"}"#, "node server.js"),
        ])
    func nodeServer(_ package: String, _ command: String) throws {
        #expect(try web(["package.json": package, "server.js": "", "lib/run it.js": ""]) == command)
    }

    @Test(
        "main is quoted, and counts only where it is in the tree",
        arguments: [
            (#"{"main": "lib/run it.js"}"#, "node 'lib/run it.js'"), (#"{"main": "./lib/x.js"}"#, "node lib/x.js"),
        ])
    func nodeMain(_ package: String, _ command: String) throws {
        #expect(try web(["package.json": package, "lib/run it.js": "", "lib/x.js": ""]) == command)
        let error = manifestError { () throws(ManifestError) in
            try read(["package.json": #"{"main": "../../etc/passwd"}"#])
        }
        #expect(error?.hint?.contains("web: node") == true)
    }

    @Test(
        "a package.json that is no JSON is refused",
        arguments: ["", "[]", "{", "{\"a\": }", String(repeating: "[", count: 100_000)])
    func badPackage(_ text: String) throws {
        let error = try #require(manifestError { () throws(ManifestError) in try read(["package.json": text]) })
        #expect(error.file == "package.json")
    }

    @Test("a folder with index.html is served as it is")
    func staticFiles() throws {
        let manifest = try read(["index.html": "", "style.css": ""])
        #expect(manifest.origin == .detected(.static))
        #expect(manifest.sites == [Site(domain: nil, root: .root)])
        #expect(manifest.build.isEmpty && manifest.services.isEmpty && manifest.notes.isEmpty)
    }

    @Test(
        "where two kinds fit, a note says what was found, what was chosen, and what chooses otherwise",
        arguments: [
            (["requirements.txt": "", "app.py": "", "package.json": "{}"], ProjectKind.python, "web: npm start"),
            (["requirements.txt": "", "package.json": "{}", "server.js": ""], .node, "web: python"),
            (["index.html": "", "package.json": "{}"], .static, "web: <command>"),
            (["index.html": "", "package.json": #"{"scripts": {"start": "x"}}"#], .node, "root: ."),
            (["index.html": "", "requirements.txt": "pandas"], .static, "web: <command>"),
        ])
    func twoKinds(_ files: [String: String], _ kind: ProjectKind, _ line: String) throws {
        let manifest = try read(files)
        #expect(manifest.origin == .detected(kind))
        let note = try #require(manifest.notes.first)
        #expect(note.hasPrefix("found ") && note.contains("chose") && note.contains(line), "said: \(note)")
    }

    @Test(
        "a Procfile's web command chooses between Python and Node",
        arguments: [
            ("web: npm start", ProjectKind.node), ("web: FOO=1 exec node x.js", .node), ("web: python x.py", .python),
            ("worker: python x.py\nweb: npx serve", .node), ("worker: ./x", .python),
        ])
    func procfileKind(_ procfile: String, _ kind: ProjectKind) throws {
        let manifest = try read(["Procfile": procfile, "requirements.txt": "", "package.json": "{}"])
        #expect(manifest.origin == .procfile(kind))
        #expect(manifest.notes.first?.hasPrefix("found requirements.txt and package.json") == true)
    }

    @Test(
        "a project without an obvious server is told the one line that would do",
        arguments: [
            (["requirements.txt": "pandas"], "web: gunicorn"), (["package.json": "{}"], "web: node"),
        ])
    func noServer(_ files: [String: String], _ line: String) throws {
        let error = try #require(manifestError { () throws(ManifestError) in try read(files) })
        #expect(error.hint?.contains(line) == true)
    }

    @Test("A10: nothing found lists what was looked for, and the names in the root, escaped")
    func nothingFound() throws {
        let error = try #require(
            manifestError { () throws(ManifestError) in try read(["main.go": "", "a\u{1b}[2Jb": ""]) })
        #expect(error.description.contains("looked for pmo-release.yml, Procfile, requirements.txt"))
        #expect(error.description.contains("main.go") && error.description.contains("a\\x1b[2Jb"))
        #expect(error.outcome == .refused)
    }
}
