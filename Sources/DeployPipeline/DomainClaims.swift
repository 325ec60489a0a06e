public import ReleaseModel
public import ReleaseStore

extension HostLayout {
    /// Asks that no other app answers to a domain.
    ///
    /// - Throws: `domainTaken` with the first that one does; `StoreError` where the home cannot be read. An app whose
    ///   settings cannot be read holds none.
    public func requireFree(_ wanted: Set<Domain>, for app: AppName) throws {
        for other in try apps() where other != app {
            let layout = self.app(other)
            guard let settings = try? AppSettings.load(from: layout.settings) else { continue }
            if let clash = wanted.intersection(DomainClaims.domains(of: layout, settings)).min() {
                throw DeployError.domainTaken(clash)
            }
        }
    }
}

/// The domains that an app answers to.
enum DomainClaims {
    /// Those of the live release, or the app's own before there is one.
    static func domains(of layout: AppLayout, _ settings: AppSettings) -> Set<Domain> {
        let store = ReleaseStore(layout)
        let live = (try? store.current()).flatMap { $0 }.flatMap { try? store.manifest($0) }
        return live.map { domains(of: $0, settings) } ?? [settings.domain]
    }

    static func domains(of manifest: Manifest, _ settings: AppSettings) -> Set<Domain> {
        Set(manifest.sites.flatMap { [$0.domain ?? settings.domain] + $0.redirectFrom })
    }
}
