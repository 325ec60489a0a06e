import SystemPackage

extension SystemdSupervisor {
    /// Writes a unit that runs at boot, and enables it; nothing happens where the same text is there.
    ///
    /// - Parameter name: with its suffix: `pmo-release-resume.service`.
    public func install(bootUnit text: String, named name: String) async throws(HostError) {
        let path = directory.appending(name)
        guard ProcessGroup.text(path.string) != text else { return }
        try write(text, to: path)
        try await call(["daemon-reload"], unit: name)
        try await call(["enable", name], unit: name)
    }
}
