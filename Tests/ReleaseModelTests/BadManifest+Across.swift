extension BadManifest {
    private static let service = "services: { web: { command: x } }\n"

    /// Domains, prefixes and what sites say (A22).
    static let sites = [
        BadManifest("sites:\n  Example.org: { root: public }", 2, "lower-case host name"),
        BadManifest("sites:\n  'a; } server { root /; }': { root: public }", 2, "lower-case host name"),
        BadManifest("sites:\n  '*.example.org': { root: public }", 2, "lower-case host name"),
        BadManifest("sites:\n  a_b.example: { root: public }", 2, "lower-case host name"),
        BadManifest("sites:\n  -a.example: { root: public }", 2, "lower-case host name"),
        BadManifest("sites:\n  a..example: { root: public }", 2, "lower-case host name"),
        BadManifest("sites:\n  'a.example:8080': { root: public }", 2, "lower-case host name"),
        BadManifest("sites:\n  'https://a.example': { root: public }", 2, "lower-case host name"),
        BadManifest(
            "sites:\n  \(String(repeating: "a", count: 64)).example: { root: public }", 2, "lower-case host name"),
        BadManifest("sites:\n  a.example: {}", 2, "needs a root or routes"),
        BadManifest("sites:\n  a.example: { routes: {} }", 2, "needs a root or routes"),
        BadManifest("sites:\n  a.example: { root: /srv }", 2, "inside the release"),
        BadManifest("sites:\n  a.example: { root: \"a\\\"; evil\\n\" }", 2, "inside the release"),
        BadManifest("sites:\n  a.example: { root: .git }", 2, "must not lead into .git"),
        BadManifest("sites:\n  a.example: { root: public, spa: maybe }", 2, "must be true or false"),
        BadManifest("sites:\n  a.example: { root: public, spa: yes }", 2, "must be true or false"),
        BadManifest("sites:\n  a.example: { root: public, spa: 1 }", 2, "must be true or false"),
        BadManifest(service + "sites:\n  a.example: { spa: true, routes: { /: web } }", 3, "needs a root"),
        BadManifest(service + "sites:\n  a.example: { immutable: /a/, routes: { /: web } }", 3, "needs a root"),
        BadManifest(
            service + "sites:\n  a.example: { root: p, spa: true, routes: { /: web } }", 3, "must not route “/”"),
        BadManifest("sites:\n  a.example: { root: public, immutable: assets }", 2, "must start with “/”"),
        BadManifest("sites:\n  a.example: { root: public, immutable: /assets }", 2, "such as /assets/"),
        BadManifest("sites:\n  a.example: { root: public, immutable: / }", 2, "such as /assets/"),
        BadManifest("sites:\n  a.example: { root: public, immutable: '/a\"; }/' }", 2, "must start with “/”"),
        BadManifest(
            service + "sites:\n  a.example: { root: p, immutable: /a/, routes: { /a: web } }", 3, "routed to a service"),
        BadManifest(service + "sites:\n  a.example: { routes: { api: web } }", 3, "must start with “/”"),
        BadManifest(service + "sites:\n  a.example: { routes: { '/a b': web } }", 3, "must start with “/”"),
        BadManifest(service + "sites:\n  a.example: { routes: { '/$x': web } }", 3, "must start with “/”"),
        BadManifest(service + "sites:\n  a.example: { routes: { /../: web } }", 3, "must start with “/”"),
        BadManifest(service + "sites:\n  a.example: { routes: { //: web } }", 3, "must start with “/”"),
        BadManifest(service + "sites:\n  a.example: { routes: { '~ ^/x': web } }", 3, "must start with “/”"),
        BadManifest(service + "sites:\n  a.example: { routes: [/] }", 3, "must be a mapping, such as { /: web }"),
        BadManifest(service + "sites:\n  a.example: { routes: { /: [web] } }", 3, "not a list"),
        BadManifest(service + "sites:\n  a.example:\n    routes:\n      /: wbe", 5, "did you mean “web”?"),
        BadManifest(service + "sites:\n  a.example:\n    routes:\n      /: other", 5, "services here: web"),
        BadManifest("sites:\n  a.example:\n    routes:\n      /: web", 4, "there are no services"),
        BadManifest(
            service + "sites:\n  a.example:\n    routes:\n      /a: web\n      /a/: web", 6, "is the same as “/a”"),
        BadManifest("sites:\n  a.example: { root: p, redirect-from: www.a.example }", 2, "must be a list of domains"),
        BadManifest("sites:\n  a.example:\n    root: p\n    redirect-from: [a.example]", 4, "stands twice"),
        BadManifest(
            "sites:\n"
                + (0..<50).map { site in
                    let from = (0..<3).map { "r\(site)x\($0).example" }.joined(separator: ", ")
                    return "  s\(site).example: { root: p, redirect-from: [\(from)] }"
                }.joined(separator: "\n"), 2, "has 200 domains; an app has less than 200"),
        BadManifest(
            "sites:\n  a.example: { root: p, redirect-from: [w.example] }\n  w.example: { root: p }", 3, "stands twice"),
        BadManifest("sites:\n  a.example: { root: p, redirect-from: ['x;y'] }", 2, "lower-case host name"),
        BadManifest(
            "services:\n  job: { command: x, listen: none }\nsites:\n  a.example: { routes: { /: job } }", 4,
            "“listen: none”"),
        BadManifest(
            "services:\n  job:\n    command: x\n    listen: none\n    health: { path: / }", 5,
            "needs a service that listens"),
    ]

    /// What goes into the environment (A24), and rendered files.
    static let environment = [
        ("defaults: { 'A=B': x }", "environment key"),
        ("defaults: { 'A B': x }", "environment key"),
        ("defaults: { \"A\\nB\": x }", "environment key"),
        ("defaults: { 1A: x }", "environment key"),
        ("defaults: { PORT: 1 }", "set by pmo-release itself"),
        ("defaults: { SOCKET: x }", "set by pmo-release itself"),
        ("defaults: { PMO_APP: x }", "set by pmo-release itself"),
        ("defaults: { LD_PRELOAD: x }", "only the operator may set it"),
        ("defaults: { PATH: x }", "only the operator may set it"),
        ("defaults: { NODE_OPTIONS: x }", "only the operator may set it"),
        ("defaults: { GIT_DIR: x }", "only the operator may set it"),
        ("defaults: { BASH_ENV: x }", "only the operator may set it"),
        ("defaults: { A: \"x\\0y\" }", "must not hold a NUL"),
        ("defaults: { A: \(String(repeating: "x", count: 32_769)) }", "at most 32 KiB"),
        ("defaults: { A: true }", "put quotes around it"),
        ("defaults: { A: }", "is empty"),
        ("defaults: { A: [x] }", "not a list"),
        ("required: [A B]", "letters, digits"),
        ("required: [PORT]", "set by pmo-release itself"),
        ("required: [[A]]", "not a list"),
        ("files: { .env: ../template }", "inside the release"),
        ("files: { /etc/passwd: .env.template }", "inside the release"),
        ("files: { .pmo/env: .env.template }", "must not lead into .pmo"),
        ("files: { .: .env.template }", "not its own template"),
        ("files: { .env: .env }", "not its own template"),
        ("files: { .env: missing.template }", "not in the tree"),
        ("files: { a: .env.template, a/b: .env.template }", "overlaps a"),
    ].map { BadManifest(service + "env:\n  \($0.0)", 3, $0.1) }

    /// Keys whose work is not built are checked first, then refused.
    static let notYet = [
        ("compose: docker-compose.yml", "`compose` does nothing yet"),
        ("compose: ../x.yml", "inside the release"),
        ("bake: soon", "such as 30s"),
        ("database: { url: DATABASE_URL }", "database.url does nothing yet"),
        ("database: { url: 'a b' }", "letters, digits"),
        ("schedule: { n: { at: '0 3 * * *', command: x } }", "`schedule` does nothing yet"),
        ("schedule: { n: { at: '0 3 * *', command: x } }", "five fields"),
        ("schedule: { n: { at: \"* * * * *\\n0\", command: x } }", "five fields"),
        ("schedule: { n: { command: x } }", "has no “at”"),
        ("schedule: { n: { at: '0 3 * * *' } }", "has no “command”"),
    ].map { BadManifest(service + $0.0, 2, $0.1) }

    /// What steps read and make, and what a service waits for; `src/a.js` is in the tree.
    static let reuse = [
        ("build: [{ run: x, inputs: [src] }]", "build[1].inputs needs outputs"),
        ("build: [{ run: x, outputs: [dist] }]", "build[1].outputs needs inputs"),
        ("build: [{ run: x, env: [TOKEN] }]", "build[1].env needs inputs and outputs"),
        ("build: [{ run: x, inputs: [../a], outputs: [dist] }]", "inside the release"),
        ("build: [{ run: x, inputs: [src], outputs: [../dist] }]", "inside the release"),
        ("build: [{ run: x, inputs: [src], outputs: [/dist] }]", "inside the release"),
        ("build: [{ run: x, inputs: [src], outputs: [.pmo] }]", "must not lead into .pmo"),
        ("build: [{ run: x, inputs: [src], outputs: [dist/.git/hooks] }]", "must not lead into .git"),
        ("build: [{ run: x, inputs: [src], outputs: ['**/dist'] }]", "at most one “*” in a name"),
        ("build: [{ run: x, inputs: [src], outputs: a }]", "outputs must be a list of paths, such as [dist]"),
        (
            "build: [{ run: x, inputs: [src], outputs: [a] }, { run: y, inputs: [src], outputs: [a] }]",
            "build[2].outputs[1] “a” is an output that is named already"
        ),
        ("build: [{ run: x, inputs: src, outputs: [a] }]", "inputs must be a list of paths, such as [package.json]"),
        ("build: [{ run: x, inputs: [], outputs: [dist] }]", "must name a path, such as [package.json]"),
        ("build: [{ run: x, inputs: [src], outputs: [] }]", "must name a path, such as [dist]"),
        ("build: [{ run: x, inputs: [src], outputs: [.] }]", "must not be the whole release"),
        ("build: [{ run: x, inputs: [src], outputs: [src] }]", "“src” holds “src”, which the step reads"),
        ("build: [{ run: x, inputs: [src/a.js], outputs: [s*] }]", "“s*” holds “src/a.js”"),
        ("build: [{ run: x, inputs: [lib], outputs: [dist] }]", "build[1].inputs[1] names “lib”, which is not in the"),
        ("build: [{ run: x, inputs: ['*/b.js'], outputs: [dist] }]", "names “*/b.js”, which is not in the tree"),
        ("build: [{ run: x, inputs: [src, d], outputs: [o] }, { run: y, inputs: [src], outputs: [d] }]", "“d”, which"),
        ("build: [{ run: x, inputs: [src], outputs: [d], env: [PMO_RELEASE] }]", "another in each release"),
        ("build: [{ run: x, inputs: [src], outputs: [dist], env: [PORT] }]", "another in each release"),
        (
            "build: [{ run: x, inputs: [src], outputs: [d], env: [PMO_COMIT] }]",
            "build[1].env[1] “PMO_COMIT” is no key that a step gets; did you mean “PMO_COMMIT”?"
        ),
        (
            "build: [{ run: x, inputs: [src], outputs: [d], env: [PMO_SOMETHING] }]",
            "“PMO_SOMETHING” is no key that a step gets; there are: PMO_APP, PMO_COMMIT, PMO_BRANCH, PMO_DESCRIBE"
        ),
        ("build: [{ run: x, inputs: [src], outputs: [up/dist] }]\nshared: [up]", "overlaps the shared path “up”"),
        (
            "build: [{ run: x, inputs: [src], outputs: [a] }]\nenv: { files: { a/.env: src/a.js } }",
            "overlaps the rendered file “a/.env”"
        ),
        ("cache: lots", "with K, M or G"),
        ("cache: 0", "with K, M or G"),
        ("cache: true", "cache must be a size, such as 2G"),
        ("cache: [2G]", "cache must be a size, such as 2G, not a list"),
    ].map { BadManifest(service + $0.0, 2, $0.1) }

    /// What makes a service restart.
    static let restart = [
        ("restart: sometimes", "must be one of always, when-changed"),
        ("inputs: [src]", "needs restart: when-changed"),
        ("restart: always\n    inputs: [src]", "needs restart: when-changed"),
        ("restart: when-changed\n    inputs: [../x]", "inside the release"),
        ("restart: when-changed\n    inputs: [nowhere]", "names “nowhere”, which is not in the tree"),
    ].map { BadManifest("services:\n  web:\n    command: x\n    " + $0.0, nil, $0.1) }

    /// Environments are checked whether or not one is chosen.
    static let environments = [
        ("{ staging: { services: { web: { instances: 99 } } } }", "from 1 to 32 (environment staging)"),
        ("{ staging: { services: { other: { instances: 1 } } } }", "has no “command”"),
        ("{ staging: { sevices: {} } }", "did you mean “services”?"),
        ("{ staging: { environments: {} } }", "must not hold environments itself"),
        ("{ 'a b': { keep: 2 } }", "environment name"),
        ("{ staging: { env: { defaults: { PORT: 1 } } } }", "set by pmo-release itself"),
        ("{ staging: { bake: soon } }", "such as 30s"),
    ].map { BadManifest(service + "environments:\n  \($0.0)", 3, $0.1) }

    /// What is no YAML, or YAML that is not accepted (A26).
    static let yaml = [
        BadManifest("services: {}\nkeep: 1\nkeep: 2", 3, "“keep” stands twice, first in line 2"),
        BadManifest(
            "services:\n  web: { command: x }\n  job: { command: y }\n  web: { command: z }", 4, "“web” stands twice"),
        BadManifest("services:\n  web: { command: x, command: y }", 2, "“command” stands twice"),
        BadManifest("services: &all\n  web: { command: x }\nsites: *all", 1, "anchors and aliases are not accepted"),
        BadManifest("services:\n  web: &web { command: x }", 2, "anchors and aliases are not accepted"),
        BadManifest("services:\n  web: { command: *x }", 2, "anchors and aliases are not accepted"),
        BadManifest("services: {}\n---\nservices: {}", 2, "one document"),
        BadManifest("services:\n\tweb: { command: x }", 2, "indent with spaces"),
        BadManifest("services:\n  web: { command: x", nil, "not YAML"),
        BadManifest("services:\n  web: 'x", nil, "not YAML"),
        BadManifest("services:\n  web: @x", 2, "put quotes around it"),
        BadManifest("services:\n web: a: b", 2, "not YAML"),
        BadManifest("services:\n  [a, b]: x", 2, "a key must be one word"),
        BadManifest("services:\n  web: { command: !!binary aGk= }", 2, "not !!binary"),
        BadManifest("services:\n  web: { command: \"\\q\" }", 2, "not YAML"),
        BadManifest("%YAML 9.9\n---\nservices: {}", 1, "not YAML"),
        BadManifest("services: {}\nkeep: \u{7}", nil, "not YAML"),
        BadManifest(
            "services: " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100), 1, "deeper than 32"),
        BadManifest("services: " + String(repeating: "[", count: 100_000), 1, "deeper than 32"),
        BadManifest("services:\n  " + String(repeating: "- ", count: 40) + "x", 2, "deeper than 32"),
        BadManifest("services: {}\n#" + String(repeating: "x", count: 256 << 10), nil, "larger than 256 KiB"),
    ]

    static let all = shapes + values + health + sites + environment + notYet + reuse + restart + environments + yaml
}
