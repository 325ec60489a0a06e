/// A Python project: a virtual environment in the release, and what its files ask for in it.
struct PythonProject<Tree: SourceTree> {
    let tree: Tree
    private let pip = ".venv/bin/pip install --disable-pip-version-check"

    init(tree: Tree) { self.tree = tree }

    var isFound: Bool {
        ["requirements.txt", "pyproject.toml", "setup.py"].contains(where: tree.exists)
    }

    /// The file by which the project was recognised.
    var marker: String {
        ["requirements.txt", "pyproject.toml", "setup.py"].first(where: tree.exists) ?? "manage.py"
    }

    /// How it is built for the commands of a `Procfile`, or without one for the server that is the obvious choice.
    func project(for commands: [String]) -> DetectedProject {
        var project = DetectedProject(kind: .python)
        // `python3 -m venv` writes its own absolute path into each script: the final one.
        project.steps = [BuildStep(run: "python3 -m venv \"$PMO_RELEASE/.venv\"")]
        addInstall(to: &project)
        if commands.isEmpty { chooseServer(for: &project) }
        for program in Set((commands + [project.web].compactMap(\.self)).map(\.programName)).sorted() {
            addServer(program, to: &project)
        }
        addCollectStatic(to: &project)
        return project
    }

    private func addInstall(to project: inout DetectedProject) {
        if tree.exists("requirements.txt") {
            project.steps.append(BuildStep(run: "\(pip) -r requirements.txt"))
        } else if tree.exists("setup.py")
            || holds("pyproject.toml", anyOf: ["[project]", "[build-system]", "[tool.poetry]"])
        {
            project.steps.append(BuildStep(run: "\(pip) ."))
        } else {
            project.notes.append("pyproject.toml has no [project]; nothing is installed from it")
        }
        for lock in ["uv.lock", "poetry.lock", "Pipfile.lock"]
        where tree.exists(lock) && !tree.exists("requirements.txt") {
            project.notes.append(
                "\(lock) is not read; pip resolves the versions again unless there is a requirements.txt")
        }
    }

    /// A server that the command names and that the project's own list may lack.
    private func addServer(_ program: String, to project: inout DetectedProject) {
        let packages = [
            "gunicorn": "gunicorn", "uvicorn": "uvicorn", "waitress-serve": "waitress", "hypercorn": "hypercorn",
            "daphne": "daphne",
        ]
        guard let package = packages[program] else { return }
        project.steps.append(BuildStep(run: "[ -x .venv/bin/\(program) ] || \(pip) \(package)"))
        if !holds(marker, anyOf: [package]) {
            project.notes.append("\(package) is not in \(marker); its newest version is installed where it is missing")
        }
    }

    private func chooseServer(for project: inout DetectedProject) {
        if let package = djangoPackage {
            project.web = "gunicorn -b 127.0.0.1:$PORT \(package).wsgi:application"
            return
        }
        let files = ["app.py", "main.py", "wsgi.py"].filter(tree.exists)
        guard let file = files.first else { return }
        project.web = "python \(file)"
        if files.count > 1 {
            project.notes.append(
                "found \(files.joined(separator: " and ")); chose \(file); a Procfile line `web: python \(files[1])` chooses otherwise"
            )
        }
    }

    private func addCollectStatic(to project: inout DetectedProject) {
        guard tree.exists("manage.py"), let package = djangoPackage,
            holds("\(package)/settings.py", anyOf: ["STATIC_ROOT"])
        else { return }
        project.steps.append(BuildStep(run: ".venv/bin/python manage.py collectstatic --noinput"))
        project.notes.append("the settings name a STATIC_ROOT: collectstatic runs in the build")
    }

    /// The package with `wsgi.py` beside `manage.py`: the one that `manage.py` names, or the only one.
    private var djangoPackage: String? {
        guard let manage = text("manage.py") else { return nil }
        let packages = tree.rootNames().filter { $0.isPythonName && tree.exists("\($0)/wsgi.py") }
        let named = packages.first { manage.contains("\($0).settings") }
        return named ?? (packages.count == 1 ? packages[0] : nil)
    }

    private func text(_ path: String) -> String? { tree.contents(path).map { String(decoding: $0, as: UTF8.self) } }
    private func holds(_ path: String, anyOf words: [String]) -> Bool {
        guard let text = text(path) else { return false }
        return words.contains { text.contains($0) }
    }
}

extension String {
    fileprivate var isPythonName: Bool {
        !isEmpty && utf8.allSatisfy { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") }
    }
}
