/// Hands entries to the caller's closure, one at a time whichever thread wrote them.
final class IndexReceiver: @unchecked Sendable {
    private let monitor = Monitor()
    private let receive: (IndexEntry) throws -> Void

    init(_ receive: @escaping (IndexEntry) throws -> Void) {
        self.receive = receive
    }

    func report(_ entry: IndexEntry) throws(GitError) {
        try monitor.locked { () throws(GitError) in
            do {
                try receive(entry)
            } catch {
                throw .index(error)
            }
        }
    }
}
