import Glibc
import HostControl
import ReleaseModel
public import ReleaseStore
import SystemPackage

/// Stops what nobody needs any more: releases whose warm time is over, and candidates that a killed deploy has left;
/// and starts what such a deploy has stopped.
/// The caller holds the app's lock.
public struct Retirement: Sendable {
    let host: AppHost

    /// Retirement in an app.
    public init(_ host: AppHost) { self.host = host }

    /// Stops every slot that is neither live nor warm.
    ///
    /// - Returns: when the next warm slot is due, seconds since 1970; nil when there is none.
    @discardableResult
    public func retireExpired(now: Double = currentTime()) async throws -> Double? {
        let services = ServiceSlots(host)
        var next: Double?
        for (service, slot, release) in host.slots.occupied() {
            let until = host.slots.warmUntil(service, slot)
            if try services.isLive(service, slot) {
                // Left by a switch that was killed after its rename.
                if until != nil { try host.slots.setWarmUntil(service, slot, nil) }
            } else if let until = try warmUntil(service, slot, now), until > now {
                next = min(next ?? until, until)
                // One that a switch has started that was killed before its rename.
                let warm = try services.occupant(of: service, slot, release: release)
                if try await services.isStrayWorker(warm) { try await services.stopWorkers(of: [warm]) }
            } else {
                try await services.stop(try services.occupant(of: service, slot, release: release))
            }
        }
        // Left by somebody who was killed while one worker took another's place.
        try await services.resume()
        return next
    }

    /// Until when a slot stays warm. A time that no clock has told in the app's warm time was told by one that was wrong:
    /// from now on it is that time (F38).
    private func warmUntil(_ service: ServiceName, _ slot: SlotNumber, _ now: Double) throws -> Double? {
        let latest = now + max(host.settings.warm.seconds, AppSettings.restartDrain)
        guard let until = host.slots.warmUntil(service, slot) else {
            // The disk was full when it was left (F18), or who left it was killed before he had noted the time.
            guard let previous = (try? host.store.previous()).flatMap({ $0 }),
                host.slots.slot(of: service, in: previous) == slot
            else { return nil }
            try? host.slots.setWarmUntil(service, slot, latest)
            return latest
        }
        guard Retirer.isWrong(until, latest) else { return until }
        try host.slots.setWarmUntil(service, slot, latest)
        return latest
    }
}
