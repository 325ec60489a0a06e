public import ReleaseModel
public import SystemPackage

/// Where everything of a slot is: `<app>/slots/<service>/<number>`. Instances are numbered from 1.
public struct SlotLayout: Sendable, Hashable {
    /// The app.
    public let app: AppLayout
    /// The service.
    public let service: ServiceName
    /// Which of the three slots.
    public let number: SlotNumber

    /// The slot's directory; a release's `.pmo/upstream/<service>` leads here.
    public var root: FilePath { app.slots.appending(service.text).appending(number.description) }
    /// The TCP ports of its instances, one a line.
    public var ports: FilePath { root.appending("ports") }
    /// Until when its release stays warm, in seconds since 1970.
    public var warmUntil: FilePath { root.appending("warm-until") }
    /// There while the slot's worker is stopped for another one to start in its place.
    public var paused: FilePath { root.appending("paused") }
    /// The link to the release that it runs.
    public var release: FilePath { root.appending("release") }
    /// Where its services may make files that end with them, such as their sockets; of the slot nothing else is theirs.
    public var run: FilePath { root.appending("run") }
    /// The unix socket of an instance.
    public func socket(_ instance: Int) -> FilePath { run.appending("\(instance).sock") }
    /// The directory by which the supervisor knows an instance.
    public func instance(_ instance: Int) -> FilePath { root.appending("\(instance)") }
    /// The name by which the supervisor knows an instance: `<app>.<service>.<slot>.<instance>`.
    public func unitName(_ instance: Int) -> String { "\(app.name).\(service).\(number).\(instance)" }
}
