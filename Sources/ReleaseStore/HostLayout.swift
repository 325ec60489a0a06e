import Glibc
public import ReleaseModel
public import SystemPackage

/// Where everything of a host is, below one directory.
public struct HostLayout: Sendable, Hashable {
    /// `PMO_HOME`, absolute: the apps, and `.pmo` for what they share.
    public let home: FilePath

    /// The layout below a directory; a relative one is taken from the working directory.
    public init(home: FilePath) {
        var path = home
        if path.isRelative, let here = getcwd(nil, 0) {
            path = FilePath(platformString: here).pushing(home)
            free(here)
        }
        self.home = path.lexicallyNormalized()
    }

    /// `.pmo`: what the apps share.
    public var `private`: FilePath { home.appending(".pmo") }
    /// Links to the installed programs; the hooks run what is here.
    public var bin: FilePath { `private`.appending("bin") }
    /// git as those find it who may push and no more (`GIT_EXEC_PATH`).
    public var gitPrograms: FilePath { `private`.appending("git") }
    /// `HostSettings`.
    public var settings: FilePath { `private`.appending("host.json") }
    /// Held while ports are given out or the host's nginx is changed (`HostLock`).
    public var hostLock: FilePath { `private`.appending("host.lock") }
    /// runsvdir's directory: a link for each unit.
    public var services: FilePath { `private`.appending("services") }
    /// The number of the runsvdir that we started.
    public var runsvdirPid: FilePath { `private`.appending("runsvdir.pid") }
    /// The host's nginx: configuration, sites, logs.
    public var nginx: FilePath { `private`.appending("nginx") }

    /// Whether the host has been set up.
    public var exists: Bool { settings.isRegularFile }

    /// Makes the directories that the apps share; those that there are stay as they are.
    public func createDirectories() throws(StoreError) {
        try home.makeDirectories()
        for path in [`private`, bin, services, nginx] { try path.makeDirectories() }
    }

    /// The layout of an app, whether it exists or not.
    public func app(_ name: AppName) -> AppLayout { AppLayout(name: name, host: self) }

    /// The apps that exist, which is those with settings, by name.
    public func apps() throws(StoreError) -> [AppName] {
        try home.namesInside().compactMap { try? AppName($0) }.filter { app($0).exists }.sorted()
    }

    /// The layout of an app that exists.
    ///
    /// - Throws: `unknownApp`, with the apps that there are.
    public func existingApp(_ name: AppName) throws(StoreError) -> AppLayout {
        guard app(name).exists else { throw .unknownApp(name, known: try apps()) }
        return app(name)
    }
}

extension FilePath {
    /// The path with its links followed, as far as it is there: who comes by another way finds the same names.
    public var resolved: FilePath {
        var head = self
        var tail: [FilePath.Component] = []
        while true {
            if let real = head.withPlatformString({ realpath($0, nil) }) {
                defer { free(real) }
                return FilePath(platformString: real).appending(tail.reversed())
            }
            guard let last = head.lastComponent else { return self }
            tail.append(last)
            head.removeLastComponent()
        }
    }
}
