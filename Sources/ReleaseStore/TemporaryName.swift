import Glibc
import ReleaseModel
import Synchronization
import SystemPackage

/// Names of files that are renamed to their place at once: `.<name>.<pid>.<start>.<count>.tmp`. The process's number and
/// start tell whose a leftover is, so that only those of the dead are swept, and all of theirs: numbers are used again.
enum TemporaryName {
    private static let count = Atomic<Int>(0)
    private static let own = ProcessIdentity.current()

    /// A name that this process has not used.
    static func next(for name: String) -> String {
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        return ".\(name).\(own.pid).\(own.started).\(number).tmp"
    }

    /// Whether the name is one of ours, left by a process that is gone.
    static func isLeftover(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 6, parts.first == "", parts.last == "tmp", Int(parts[parts.count - 2]) != nil,
            let started = Int(parts[parts.count - 3]), let pid = Int32(parts[parts.count - 4]), pid > 0
        else { return false }
        return !ProcessIdentity(pid: pid, started: started, boot: own.boot).isAlive
    }
}

extension Directory {
    /// Removes what killed writers left in the directory.
    func sweepTemporaryFiles() throws(StoreError) -> [String] {
        let leftovers = try names(startingWith: ["."]).filter(TemporaryName.isLeftover)
        for name in leftovers { try removeFile(.init(name)) }
        return leftovers
    }
}
