import Glibc
import Synchronization
import SystemPackage

/// Names of files that are renamed to their place at once: `.<name>.<pid>.<count>.tmp`. The number tells whose a
/// leftover is, so that only those of the dead are swept.
enum TemporaryName {
    private static let count = Atomic<Int>(0)

    /// A name that this process has not used.
    static func next(for name: String) -> String {
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        return ".\(name).\(getpid()).\(number).tmp"
    }

    /// Whether the name is one of ours, left by a process that is gone.
    static func isLeftover(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 5, parts.first == "", parts.last == "tmp", Int(parts[parts.count - 2]) != nil,
            let pid = Int32(parts[parts.count - 3]), pid > 0, pid != getpid()
        else { return false }
        return kill(pid, 0) != 0 && errno == ESRCH
    }
}

extension Directory {
    /// Removes what killed writers left in the directory.
    func sweepTemporaryFiles() throws(StoreError) -> [String] {
        let leftovers = try names().filter(TemporaryName.isLeftover)
        for name in leftovers { try removeFile(.init(name)) }
        return leftovers
    }
}
