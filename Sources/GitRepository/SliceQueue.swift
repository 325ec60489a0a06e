/// Slices on their way from the thread that walks the tree to those that write. It is short, so that few directories
/// are open and little is held in memory, however large the tree is.
final class SliceQueue: @unchecked Sendable {
    private let monitor = Monitor()
    private let capacity: Int
    private var slices: [ExportSlice] = []
    private var isComplete = false
    private var failure: GitError?

    /// - Parameter capacity: how many slices wait at most; each may hold a directory open.
    init(capacity: Int) {
        self.capacity = capacity
        slices.reserveCapacity(capacity)
    }

    /// Adds a slice; false where there is no room for it. Never waits.
    ///
    /// - Throws: the failure that stopped the export.
    func offer(_ slice: ExportSlice) throws(GitError) -> Bool {
        try monitor.locked { () throws(GitError) in
            if let failure { throw failure }
            guard slices.count < capacity else { return false }
            slices.append(slice)
            monitor.wakeOne()
            return true
        }
    }

    /// The next slice, waited for; nil once all are taken, or the export was stopped.
    func take() -> ExportSlice? {
        monitor.locked {
            while slices.isEmpty, !isComplete, failure == nil { monitor.wait() }
            return slices.isEmpty || failure != nil ? nil : slices.removeFirst()
        }
    }

    /// Says that no slice comes any more.
    func complete() {
        monitor.locked {
            isComplete = true
            monitor.wakeAll()
        }
    }

    /// Stops the export; the first failure is the one that counts. What waits is let go, and with it its directories.
    func stop(_ error: GitError) {
        monitor.locked {
            failure = failure ?? error
            slices.removeAll()
            monitor.wakeAll()
        }
    }

    /// - Throws: the failure that stopped the export.
    func check() throws(GitError) {
        try monitor.locked { () throws(GitError) in
            if let failure { throw failure }
        }
    }
}
