import HostControl
import ReleaseModel
import ReleaseStore

/// Decides from one observation after another whether a release that was just switched to may stay; pure, so that every
/// order of events can be tested.
struct BakeWatch {
    /// One end may be chance; the next is the release's.
    static let endsAllowed = 1
    /// So many questions in a row may stay without a good answer.
    static let missesAllowed = 2
    /// So many requests are needed to tell a share of them.
    static let fewestRequests = 20
    /// Above this share of all requests answers of 500 and above are the release's.
    let errorLimit: Percentage

    private struct Instance {
        var process: Int32?
        var wasSeen = false
        var ends = 0
        var misses = 0
    }

    private var instances: [String: Instance] = [:]
    private var requests = 0
    private var errors = 0
    /// Why the release may not stay; the first reason is kept.
    private(set) var problem: String?

    init(errorLimit: Percentage = AppSettings.usualBakeErrors) { self.errorLimit = errorLimit }

    /// Notes which process an instance has. One that is another or gone has ended, since whoever else ends it ends the
    /// watch.
    mutating func saw(process: Int32?, lastEnd: ProcessEnd? = nil, of unit: String, called name: String) {
        var instance = instances[unit] ?? Instance()
        if instance.wasSeen ? instance.process != nil && process != instance.process : process == nil {
            instance.ends += 1
        }
        instance.wasSeen = true
        instance.process = process
        instances[unit] = instance
        if instance.ends > Self.endsAllowed, let ends = ProcessEnd.told(instance.ends, last: lastEnd) {
            fail("\(name) \(ends)")
        }
    }

    /// Notes that an instance was stopped for another one to take its place, and may come back: that is no end.
    mutating func wasPaused(_ unit: String) {
        instances[unit, default: Instance()].process = nil
        instances[unit]?.wasSeen = true
    }

    /// Notes what an instance answered: nil where it was well.
    mutating func saw(answer fault: String?, of unit: String, called name: String) {
        guard let fault else {
            instances[unit]?.misses = 0
            return
        }
        instances[unit, default: Instance()].misses += 1
        let misses = instances[unit]?.misses ?? 0
        if misses > Self.missesAllowed { fail("\(name) \(fault), \(misses) times in a row") }
    }

    /// Notes requests that nginx has answered, and how many of them with 500 or above.
    mutating func saw(requests count: Int, errors: Int) {
        requests += count
        self.errors += errors
        guard requests >= Self.fewestRequests, self.errors * 100 > requests * errorLimit.percent else { return }
        fail("\(self.errors) of \(requests) requests were answered with a status of 500 or above")
    }

    private mutating func fail(_ reason: String) {
        if problem == nil { problem = reason }
    }
}
