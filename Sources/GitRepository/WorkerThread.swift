import Glibc

/// A thread of the system that runs a closure to its end.
struct WorkerThread {
    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    private let thread: pthread_t

    /// Starts one; nil where the system has none to give, and whoever asked does the work.
    static func start(_ body: @escaping () -> Void) -> WorkerThread? {
        let work = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { work in
                guard let work else { return nil }
                Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        guard code == 0 else {
            work.release()
            return nil
        }
        return WorkerThread(thread: thread)
    }

    func join() { pthread_join(thread, nil) }

    /// How many are worth having: one a core that is there, 8 at most.
    static var useful: Int { max(1, min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
