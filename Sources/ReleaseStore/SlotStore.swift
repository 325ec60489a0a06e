import Glibc
public import ReleaseModel
import SystemPackage

/// The slots of an app's services: which release runs where. Whoever changes something holds the app's lock.
///
/// A slot's `release` link says from which release its processes were started: its occupant, which stays on the disk as
/// long as they run. A release's `.pmo/upstream/<service>` says which slot it uses: one that it occupies, or one whose
/// processes were carried over to it, as `.pmo/carried/<service>` notes with the occupant's name. So a carry changes
/// nothing but the new release; if its deploy fails, nothing has to be taken back. A slot is in use while the live
/// release uses it, or until its warm time is over.
public struct SlotStore: Sendable {
    /// The app.
    public let app: AppLayout

    /// The slots of an app.
    public init(_ app: AppLayout) { self.app = app }

    /// The slot that a release's service runs in, live or warm; nil when it is retired.
    public func slot(of service: ServiceName, in release: ReleaseID) -> SlotNumber? {
        let linked = app.release(release).upstream(service).linkTarget
            .flatMap { Int($0.lastComponent?.string ?? "") }.flatMap(SlotNumber.init)
        if let linked, let occupant = occupant(service, linked),
            occupant == release || occupant == origin(of: service, in: release)
        {
            return linked
        }
        return SlotNumber.allCases.first { occupant(service, $0) == release }
    }

    /// The release that has the slot; nil where it is free.
    public func occupant(_ service: ServiceName, _ slot: SlotNumber) -> ReleaseID? {
        app.slot(service, slot).release.linkTarget.flatMap { $0.lastComponent?.string }
            .flatMap(ReleaseID.init(directoryName:))
    }

    /// Gives a slot to a release, or to none. What was noted of its warmth goes.
    public func occupy(_ slot: SlotNumber, by release: ReleaseID?, service: ServiceName) throws(StoreError) {
        let layout = app.slot(service, slot)
        if occupant(service, slot) != release {
            try setWarmUntil(service, slot, nil)
            try setPaused(service, slot, false)
        }
        if let release {
            try DurableFile.link(at: layout.release, to: "../../../releases/\(release)")
        } else {
            try DurableFile.remove(layout.release)
        }
    }

    /// Leads the requests for a release's service to a slot: `.pmo/upstream/<service>`, in one step.
    public func link(_ release: ReleaseID, _ service: ServiceName, to slot: SlotNumber) throws(StoreError) {
        try ReleaseStore(app).require(release)
        try DurableFile.link(at: app.release(release).upstream(service), to: app.slot(service, slot).root.string)
    }

    /// Leads the requests for a release's service to the processes that another release has started, which must be as
    /// good for it as its own.
    ///
    /// - Throws: `missingRelease` where the slot is free.
    public func carry(_ service: ServiceName, in slot: SlotNumber, into release: ReleaseID) throws(StoreError) {
        guard let occupant = occupant(service, slot) else { throw .missingRelease(app.name, release) }
        try ReleaseStore(app).require(release)
        // The note first: a link without it leads to somebody else's slot.
        try app.release(release).write(
            Array("\(occupant)\n".utf8), to: ReleaseLayout.carried(service), durable: true)
        try link(release, service, to: slot)
    }

    /// The release whose processes were carried over to a release; nil where none were.
    private func origin(of service: ServiceName, in release: ReleaseID) -> ReleaseID? {
        let path = app.release(release).private.pushing(ReleaseLayout.carried(service))
        guard let bytes = try? DurableFile.read(path, limit: 64) else { return nil }
        return ReleaseID(directoryName: String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace })
    }

    /// Until when the slot's release stays warm, in seconds since 1970; nil where it is not warm.
    public func warmUntil(_ service: ServiceName, _ slot: SlotNumber) -> Double? {
        guard let bytes = try? DurableFile.read(app.slot(service, slot).warmUntil, limit: 64) else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace })
    }

    /// When that was noted, which is when the slot's release was left.
    public func left(_ service: ServiceName, _ slot: SlotNumber) -> Double? {
        app.slot(service, slot).warmUntil.status().map { Double($0.contentTime) / 1_000_000_000 }
    }

    /// Notes until when the slot's release stays warm, or that it does not.
    public func setWarmUntil(_ service: ServiceName, _ slot: SlotNumber, _ time: Double?) throws(StoreError) {
        let path = app.slot(service, slot).warmUntil
        if let time {
            try DurableFile.write(Array("\(time)\n".utf8), to: path)
        } else {
            try DurableFile.remove(path)
        }
    }

    /// Whether the slot's worker was stopped for another one to take its place, which has not been settled yet.
    public func isPaused(_ service: ServiceName, _ slot: SlotNumber) -> Bool {
        app.slot(service, slot).paused.status() != nil
    }

    /// Notes that the slot's worker is stopped for another one, or that this is settled.
    public func setPaused(_ service: ServiceName, _ slot: SlotNumber, _ isPaused: Bool) throws(StoreError) {
        let path = app.slot(service, slot).paused
        if isPaused {
            try DurableFile.write([], to: path)
        } else if path.status() != nil {
            try DurableFile.remove(path)
        }
    }

    /// All slots that a release has, of services known to the live release or not, by service and number.
    public func occupied() -> [(service: ServiceName, slot: SlotNumber, release: ReleaseID)] {
        services().flatMap { service in
            SlotNumber.allCases.compactMap { slot in occupant(service, slot).map { (service, slot, $0) } }
        }
    }

    /// The services that have slots, by name.
    public func services() -> [ServiceName] {
        ((try? app.slots.namesInside()) ?? []).compactMap { try? ServiceName($0) }
    }
}
