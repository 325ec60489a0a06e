import Dispatch
import Glibc
import Synchronization

/// Work that is spread over the cores.
enum Parallel {
    private final class Progress: Sendable {
        let next = Atomic(0)
        let failure = Mutex<StoreError?>(nil)
    }

    /// As many as an export has, eight at most.
    private static var cores: Int { max(1, min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Calls the body with each number below the count, on as many threads as there are cores, the caller's among them.
    /// The first failure ends it, once every thread has noticed.
    ///
    /// - Parameter body: is called on several threads at once.
    static func forEach(below count: Int, _ body: @Sendable (Int) throws(StoreError) -> Void) throws(StoreError) {
        let progress = Progress()
        DispatchQueue.concurrentPerform(iterations: min(count, cores)) { _ in
            while true {
                let number = progress.next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard number < count else { return }
                do throws(StoreError) {
                    try body(number)
                } catch {
                    progress.failure.withLock { $0 = $0 ?? error }
                    progress.next.store(count, ordering: .relaxed)
                }
            }
        }
        if let failure = progress.failure.withLock({ $0 }) { throw failure }
    }
}
